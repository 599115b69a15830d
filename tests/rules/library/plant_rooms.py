"""Air handling units, gateways and UPS."""

from tests.rules.library.scenes import Book, Changes, Scene


def _swings(*, minutes: int, low: float, high: float) -> Changes:
    return {f"{n}m": {"cooling_valve_pct": high if n % 4 < 2 else low} for n in range(1, minutes)}


def _restarts(*minutes: int) -> Changes:
    return {f"{minute}m": {"uptime_s": 50 - minute} for minute in minutes}


AHU = Book(
    "ahu-controller",
    good={
        "fan_command": 1, "fan_running": 1, "supply_temp_c": 16, "supply_setpoint_c": 16, "mixed_temp_c": 24,
        "return_temp_c": 25, "heating_valve_pct": 0, "cooling_valve_pct": 45, "outdoor_damper_command_pct": 30,
        "outdoor_damper_pct": 30, "filter_dp_pa": 90, "freeze_alarm": 0,
    },
    scenes=(
        Scene("ahu-fan-failed", "the belt breaks", {"1m": {"fan_running": 0}, "30m": {"fan_running": 1}}, "4m..30m"),
        Scene("ahu-fan-failed", "a soft start of two minutes", {"1m": {"fan_running": 0}, "3m": {"fan_running": 1}}),
        Scene("ahu-fan-by-hand", "left in hand", {"1m": {"fan_command": 0}, "2h": {"fan_command": 1}}, "61m..2h"),
        Scene("ahu-fan-by-hand", "in hand for a trial", {"1m": {"fan_command": 0}, "40m": {"fan_command": 1}}),
        Scene("ahu-damper-stuck", "told 70 %, stays at 30 %",
              {"1m": {"outdoor_damper_command_pct": 70}, "30m": {"outdoor_damper_pct": 69}}, "6m..32m"),
        Scene("ahu-damper-stuck", "on its way within four minutes",
              {"1m": {"outdoor_damper_command_pct": 70}, "3m": {"outdoor_damper_pct": 50},
               "5m": {"outdoor_damper_pct": 69}}, lasts="30m"),
        Scene("ahu-damper-stuck", "ten per cent off, as its feedback errs",
              {"1m": {"outdoor_damper_command_pct": 40}}, lasts="30m"),
        Scene("ahu-heats-and-cools", "both coils at work",
              {"1m": {"heating_valve_pct": 40}, "40m": {"heating_valve_pct": 0}}, "16m..45m"),
        Scene("ahu-heats-and-cools", "a change of mode of ten minutes",
              {"1m": {"heating_valve_pct": 40}, "11m": {"heating_valve_pct": 0}}),
        Scene("ahu-filter-dirty", "260 Pa", {"1m": {"filter_dp_pa": 260}, "2h": {"filter_dp_pa": 60}}, "31m..130m"),
        Scene("ahu-filter-dirty", "190 Pa", {"1m": {"filter_dp_pa": 190}}),
        Scene("ahu-coil-freezes", "the freeze switch acts",
              {"1m": {"freeze_alarm": 1}, "20m": {"freeze_alarm": 0}}, "2m..25m"),
        Scene("ahu-coil-freezes", "5 °C as it starts in winter",
              {"1m": {"supply_temp_c": 5}, "4m": {"supply_temp_c": 16}}),
        Scene("ahu-supply-off-setpoint", "6 K too warm",
              {"1m": {"supply_temp_c": 22}, "1h": {"supply_temp_c": 16}}, "16m..82m", lasts="2h"),
        Scene("ahu-supply-off-setpoint", "a new setpoint is given half an hour",
              {"1m": {"supply_setpoint_c": 21}, "20m": {"supply_temp_c": 21}}, lasts="1h"),
        Scene("ahu-cooling-valve-leaks", "closed, and still cools",
              {"1m": {"cooling_valve_pct": 0}, "2h": {"supply_temp_c": 24}}, "30m..125m",
              also={"ahu-supply-off-setpoint": "131m.."}, lasts="140m"),
        Scene("ahu-cooling-valve-leaks", "closed, and as warm as the mixed air",
              {"1m": {"cooling_valve_pct": 0, "supply_temp_c": 17, "mixed_temp_c": 17}}, lasts="1h"),
        Scene("ahu-valve-hunts", "swings between 10 and 80 % every two minutes",
              _swings(minutes=60, low=10, high=80), "24m..108m", lasts="2h"),
        Scene("ahu-valve-hunts", "moves by eight per cent", _swings(minutes=60, low=40, high=48), lasts="2h"),
        Scene("ahu-runs-at-night", "forgotten until one o'clock", {"2h": {"fan_command": 0, "fan_running": 0}},
              "90m..2h", begins="23h"),
        Scene("ahu-runs-at-night", "stops at midnight", {"1h": {"fan_command": 0, "fan_running": 0}},
              begins="23h", lasts="2h30m"),
        Scene("ahu-runs-at-night", "started at a quarter past four, for the morning",
              {"75m": {"fan_command": 1, "fan_running": 1}}, begins="3h", lasts="2h30m",
              before={"fan_command": 0, "fan_running": 0}),
    ),
)  # fmt: skip

GATEWAY = Book(
    "iot-gateway",
    good={
        "on_mains": 1, "uptime_s": 900_000, "signal_dbm": -85, "cpu_temp_c": 55, "queued_messages": 3,
        "devices_total": 20, "devices_offline": 1, "disk_used_pct": 40,
    },
    scenes=(
        Scene("gateway-on-battery", "its closet is dark", {"1m": {"on_mains": 0}, "1h": {"on_mains": 1}}, "4m..63m"),
        Scene("gateway-on-battery", "changed over in two minutes", {"1m": {"on_mains": 0}, "3m": {"on_mains": 1}}),
        Scene("gateway-restarts", "three times in half an hour", _restarts(10, 20, 30), "30m..", lasts="1h"),
        Scene("gateway-restarts", "twice, for an update", _restarts(10, 20), lasts="1h"),
        Scene("gateway-signal-weak", "−118 dBm for hours",
              {"1m": {"signal_dbm": -118}, "1h": {"signal_dbm": -90}}, "46m..87m"),
        Scene("gateway-signal-weak", "−118 dBm for half an hour",
              {"1m": {"signal_dbm": -118}, "31m": {"signal_dbm": -85}}, lasts="1h"),
        Scene("gateway-queue-grows", "the uplink is poor",
              {**{f"{n}m": {"queued_messages": 300 * n} for n in range(1, 20)}, "30m": {"queued_messages": 20}},
              "9m..30m"),
        Scene("gateway-queue-grows", "a full queue that shrinks",
              {f"{n}m": {"queued_messages": 5000 - 300 * n} for n in range(1, 15)}, before={"queued_messages": 5000}),
        Scene("gateway-devices-offline", "a bus is cut",
              {"1m": {"devices_offline": 8}, "1h": {"devices_offline": 1}}, "6m..65m"),
        Scene("gateway-devices-offline", "five of twenty", {"1m": {"devices_offline": 5}}),
        Scene("gateway-hot", "its fan fails", {"1m": {"cpu_temp_c": 88}, "1h": {"cpu_temp_c": 60}}, "11m..65m"),
        Scene("gateway-hot", "79 °C", {"1m": {"cpu_temp_c": 79}}),
        Scene("gateway-disk-full", "94 %", {"1m": {"disk_used_pct": 94}, "1h": {"disk_used_pct": 50}}, "31m..1h"),
        Scene("gateway-disk-full", "94 % until its log is turned over",
              {"1m": {"disk_used_pct": 94}, "20m": {"disk_used_pct": 50}}),
    ),
)  # fmt: skip

_OUT, _BACK = {"on_battery": 1, "parent.voltage_a_v": 0}, {"on_battery": 0, "parent.voltage_a_v": 228}

UPS = Book(
    "ups-battery",
    good={
        "on_battery": 0, "battery_charge_pct": 100, "runtime_min": 60, "battery_temp_c": 25, "load_pct": 40,
        "replace_battery": 0, "parent.voltage_a_v": 228, "parent.voltage_b_v": 229, "parent.voltage_c_v": 227,
    },
    parent="eastron-sdm630",
    scenes=(
        Scene("ups-on-battery", "the mains fail", {"1m": _OUT, "20m": _BACK}, "3m..22m"),
        Scene("ups-on-battery", "its own test of a minute", {"1m": _OUT, "2m": _BACK}),
        Scene("ups-battery-low", "25 % left",
              {"1m": _OUT, "30m": {"battery_charge_pct": 25}, "40m": _BACK}, "31m..42m",
              also={"ups-on-battery": "3m..42m", "ups-discharges-fast": "30m..50m"}, lasts="60m"),
        Scene("ups-battery-low", "20 % on the mains is charging",
              {"1m": {"battery_charge_pct": 20, "runtime_min": 8}, "1h": {"battery_charge_pct": 100,
               "runtime_min": 60}}, before={"battery_charge_pct": 20}, also={"ups-not-charging": "0s..1h"}),
        Scene("ups-discharges-fast", "5 % a minute",
              {"1m": _OUT, **{f"{n}m": {"battery_charge_pct": 100 - 5 * n} for n in range(2, 13)},
               "13m": _BACK}, "5m..23m", also={"ups-on-battery": "3m..15m"}, lasts="25m"),
        Scene("ups-discharges-fast", "2 % a minute",
              {"1m": _OUT, **{f"{n}m": {"battery_charge_pct": 100 - 2 * n} for n in range(2, 13)},
               "13m": _BACK}, also={"ups-on-battery": "3m..15m"}, lasts="25m"),
        Scene("ups-not-charging", "a day of mains, and 80 %",
              {"1m": {"battery_charge_pct": 80}, "1h": {"battery_charge_pct": 96}}, "1m..1h"),
        Scene("ups-not-charging", "recharging after an hour on battery",
              {"1m": _OUT, "1h": _BACK | {"battery_charge_pct": 70}}, lasts="2h",
              also={"ups-on-battery": "3m..62m"}),
        Scene("ups-replace-battery", "its test condemns the battery",
              {"1m": {"replace_battery": 1}, "1h": {"replace_battery": 0}}, "11m..1h"),
        Scene("ups-replace-battery", "said for five minutes of a test",
              {"1m": {"replace_battery": 1}, "6m": {"replace_battery": 0}}),
        Scene("ups-battery-hot", "46 °C", {"1m": {"battery_temp_c": 46}, "1h": {"battery_temp_c": 30}}, "16m..70m"),
        Scene("ups-battery-hot", "38 °C", {"1m": {"battery_temp_c": 38}}),
        Scene("ups-refuses-mains", "somebody switched its input off",
              {"1m": {"on_battery": 1}, "20m": {"on_battery": 0}}, "6m..20m", also={"ups-on-battery": "3m..22m"}),
        Scene("ups-refuses-mains", "goes back four minutes after the mains",
              {"1m": _OUT, "20m": {"parent.voltage_a_v": 228},
               "24m": {"on_battery": 0}}, also={"ups-on-battery": "3m..26m"}),
        Scene("ups-overload", "96 %", {"1m": {"load_pct": 96}, "1h": {"load_pct": 60}}, "11m..65m"),
        Scene("ups-overload", "96 % for five minutes", {"1m": {"load_pct": 96}, "6m": {"load_pct": 60}}),
    ),
)  # fmt: skip

BOOKS = (AHU, GATEWAY, UPS)
