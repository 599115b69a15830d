"""Electricity and water meters: and what is an event of the meter, not of what it measures."""

from tests.rules.library.scenes import Book, Changes, Scene

_VOLTS = {"voltage_a_v": 228, "voltage_b_v": 231, "voltage_c_v": 226}
_AMPS = {"current_a_a": 22, "current_b_a": 24, "current_c_a": 21}
_DEAD = {"voltage_a_v": 0, "voltage_b_v": 0, "voltage_c_v": 0, "power_kw": 0, "power_factor": 0}
_STEADY = {"power_kw": 14, "power_factor": 0.93, "energy_import_kwh": 48_210, "energy_export_kwh": 0}


def _hours(volumes: list[float]) -> Changes:
    """The reading of each hour."""
    return {f"{hour}h": {"volume_m3": volume} for hour, volume in enumerate(volumes, start=1)}


# Of any meter: tried on one that is polled every ten seconds.
SDM630 = Book(
    "eastron-sdm630",
    good={**_VOLTS, **_AMPS, **_STEADY, "frequency_hz": 50},
    scenes=(
        Scene("meter-phase-loss", "phase B is lost",
              {"2m": {"voltage_b_v": 12}, "7m": {"voltage_b_v": 231}}, "135s..450s"),
        Scene("meter-phase-loss", "phase B dips for ten seconds",
              {"2m": {"voltage_b_v": 12}, "130s": {"voltage_b_v": 231}}),
        Scene("meter-power-loss", "all three are gone: a lost supply, no lost phase",
              {"2m": _DEAD, "9m": {**_VOLTS, "power_kw": 14, "power_factor": 0.93}}, "135s..570s"),
        Scene("meter-power-loss", "changed over to the other supply in ten seconds",
              {"2m": _DEAD, "130s": {**_VOLTS, "power_kw": 14, "power_factor": 0.93}}),
        Scene("meter-overload", "90 kW on a feeder for 60",
              {"1m": {"power_kw": 90}, "5m": {"power_kw": 40}}, "90s..6m"),
        Scene("meter-overload", "a motor starts", {"1m": {"power_kw": 90}, "80s": {"power_kw": 40}}),
        Scene("meter-overload", "59 kW", {"1m": {"power_kw": 59}}),
        Scene("meter-voltage-abnormal", "250 V on phase A",
              {"1m": {"voltage_a_v": 250}, "9m": {"voltage_a_v": 228}}, "4m..10m"),
        Scene("meter-voltage-abnormal", "240 V are allowed", {"1m": {"voltage_a_v": 240}}),
        Scene("meter-power-factor", "the compensation is out",
              {"1m": {"power_factor": 0.6}, "30m": {"power_factor": 0.95}}, "16m..35m"),
        Scene("meter-power-factor", "without load it means nothing", {"1m": {"power_factor": 0.3, "power_kw": 1}}),
        Scene("meter-reverse-power", "a current transformer is turned round",
              {"1m": {"power_kw": -14}, "30m": {"power_kw": 14}}, "11m..40m"),
        Scene("meter-reverse-power", "an elevator brakes",
              {"1m": {"power_kw": -14}, "2m": {"power_kw": 14}}),
        Scene("meter-current-unbalance", "one phase carries it all",
              {"1m": {"current_a_a": 90}, "35m": {"current_a_a": 22}}, "31m..45m"),
        Scene("meter-current-unbalance", "of little current", {"1m": {"current_a_a": 39, "current_b_a": 2}}),
        Scene("meter-frequency", "a generator at 51 Hz",
              {"1m": {"frequency_hz": 51}, "5m": {"frequency_hz": 50.1}}, "2m..6m"),
        Scene("meter-frequency", "50.2 Hz", {"1m": {"frequency_hz": 50.2}}),
        Scene("meter-register-moved", "a new meter begins at 3 kWh",
              {"10m": {"energy_import_kwh": 3}}, "10m..", lasts="30m"),
        Scene("meter-register-moved", "the register rolls over",
              {"10m": {"energy_import_kwh": 999_990}, "20m": {"energy_import_kwh": 4}}, "20m..",
              before={"energy_import_kwh": 999_985}, lasts="30m"),
        Scene("meter-register-moved", "a used meter is put in: it begins far ahead",
              {"10m": {"energy_import_kwh": 61_000}}, "10m..", lasts="30m"),
        Scene("meter-register-moved", "a busy hour", {"10m": {"energy_import_kwh": 48_800}}),
    ),
)  # fmt: skip

CONCENTRATED = Book(
    "dlt645-meter",
    good={**_VOLTS, **_AMPS, **_STEADY, "ct_ratio": 40},
    scenes=(
        Scene("meter-ct-changed", "new transformers, 40 to 80: all figures double, and it is nobody's fault",
              {"10m": {"ct_ratio": 80, "power_kw": 28, "current_a_a": 44, "current_b_a": 48, "current_c_a": 42}},
              "10m..70m", begins="2h", lasts="3h"),
        Scene("meter-ct-changed", "the load doubles", {"10m": {"power_kw": 28}}, lasts="1h"),
        Scene("meter-night-load", "28 kW all night",
              {"10m": {"power_kw": 28}, "3h30m": {"power_kw": 9}}, "130m..3h30m", begins="1h"),
        Scene("meter-night-load", "28 kW by day", {"10m": {"power_kw": 28}}, lasts="4h"),
        Scene("meter-night-load", "a boiler heats for an hour of the night",
              {"10m": {"power_kw": 28}, "70m": {"power_kw": 9}}, begins="1h", lasts="3h"),
    ),
)  # fmt: skip

WATER = Book(
    "nbiot-water-meter",
    good={"volume_m3": 812.4, "flow_l_h": 0, "leak": 0, "battery_pct": 90, "valve_open": 1},
    scenes=(
        Scene("water-leak", "the meter calls it a leak", {"1h": {"leak": 1}, "5h": {"leak": 0}}, "1h..5h"),
        Scene("water-leak", "a long bath", {"1h": {"flow_l_h": 600, "volume_m3": 813}, "2h": {"flow_l_h": 0}}),
        Scene("water-constant-flow", "a cistern runs on",
              {"1h": {"flow_l_h": 30}, "9h": {"flow_l_h": 0}}, "7h..9h"),
        Scene("water-constant-flow", "used hour by hour, with a pause",
              {"1h": {"flow_l_h": 30}, "5h": {"flow_l_h": 0}, "6h": {"flow_l_h": 30}, "10h": {"flow_l_h": 0}}),
        Scene("water-burst", "4 m³ an hour", {"1h": {"flow_l_h": 4000}, "2h": {"flow_l_h": 100}}, "1h..2h"),
        Scene("water-burst", "2.4 m³ an hour fill a pool", {"1h": {"flow_l_h": 2400}, "3h": {"flow_l_h": 0}}),
        Scene("water-battery-low", "8 %", {"1h": {"battery_pct": 8}}, "24h..", lasts="25h"),
        Scene("water-battery-low", "16 %", {"1h": {"battery_pct": 16}}, lasts="25h"),
        Scene("water-valve-leaks", "closed, and runs",
              {"8h": {"volume_m3": 812.5}, "9h": {"volume_m3": 812.6}}, "8h..",
              before={"valve_open": 0}, lasts="10h"),
        Scene("water-valve-leaks", "closed in the evening, after use",
              {"1h": {"volume_m3": 812.9, "valve_open": 0}}, lasts="9h"),
        Scene("water-register-moved", "a new meter begins at 0", {"2h": {"volume_m3": 0.1}}, "2h..8h", lasts="9h"),
        Scene("water-register-moved", "the register rolls over at 99,999",
              {"2h": {"volume_m3": 0.2}}, "2h..8h", before={"volume_m3": 99_999.8}, lasts="9h"),
        Scene("water-register-moved", "a used meter is put in: it begins far ahead",
              {"2h": {"volume_m3": 2_301}}, "2h..8h", lasts="9h"),
        Scene("water-register-moved", "a pool is filled: 10 m³", {"2h": {"volume_m3": 822.4}}, lasts="9h"),
        Scene("water-reverse-flow", "80 L go back", {"2h": {"volume_m3": 812.32}}, "2h..8h", lasts="9h"),
        Scene("water-reverse-flow", "5 L of trembling", {"2h": {"volume_m3": 812.395}}, lasts="9h"),
    ),
)  # fmt: skip

COLLECTED = Book(
    "cjt188-water-meter",
    good={"volume_m3": 812.4, "valve_open": 1, "battery_low": 0},
    scenes=(
        Scene("water-night-use", "8 L in every hour of the night",
              _hours([812.408, 812.416, 812.424, 812.432, 812.440, 812.448]), "5h..7h", begins="24h", lasts="8h"),
        Scene("water-night-use", "one bath and a glass of water",
              _hours([812.4, 812.55, 812.55, 812.551, 812.551]), begins="24h", lasts="8h"),
        Scene("water-night-use", "a new meter at three in the morning is an event, no leak",
              _hours([812.4, 812.4, 0.1]), begins="24h", lasts="10h",
              also={"water-register-moved": "3h..9h"}),
        Scene("water-night-use", "the register rolls over in a night without use",
              {"2h": {"volume_m3": 0.1}}, begins="24h", lasts="9h", before={"volume_m3": 99_999.9},
              also={"water-register-moved": "2h..8h"}),
        Scene("water-collector-battery-low", "reported twice",
              {"1h": {"battery_low": 1}, "9h": {"battery_low": 0}}, "3h..9h"),
        Scene("water-collector-battery-low", "misread once", {"1h": {"battery_low": 1}, "2h": {"battery_low": 0}}),
    ),
)  # fmt: skip

BOOKS = (SDM630, CONCENTRATED, WATER, COLLECTED)
