"""Pumps, pump rooms and tanks."""

from tests.rules.library.scenes import Book, Changes, Scene


def _starts(*, times: int, every_s: int) -> Changes:
    """It stops for half a minute so often, from the first minute on."""
    stops = [60 + every_s * n for n in range(times)]
    stopped, runs = {"running": 0, "flow_m3_h": 0}, {"running": 1, "flow_m3_h": 12}
    return {f"{at}s": stopped for at in stops} | {f"{at + 30}s": runs for at in stops}


def _falls(point: str, *, start: float, by_minute: float, minutes: int) -> Changes:
    """From the first minute on, a step each minute."""
    return {f"{n}m": {point: start + by_minute * n} for n in range(1, minutes + 1)}


PUMP = Book(
    "grundfos-cim-pump",
    good={
        "running": 1, "fault": 0, "remote_control": 1, "fault_code": 0, "warning_code": 0, "head_bar": 6,
        "flow_m3_h": 12, "bearing_temp_c": 45, "vibration_mm_s": 1.5, "parent.level_pct": 70,
    },
    trembles={"head_bar": 0.05, "flow_m3_h": 0.3},
    pace=3,
    parent="water-tank",
    scenes=(
        Scene("pump-bearing-wear", "hot and vibrating",
              {"1m": {"bearing_temp_c": 80, "vibration_mm_s": 6}, "10m": {"bearing_temp_c": 60, "vibration_mm_s": 2}},
              "2m..11m"),
        Scene("pump-bearing-wear", "74 °C and 4.4 mm/s", {"1m": {"bearing_temp_c": 74, "vibration_mm_s": 4.4}}),
        Scene("pump-bearing-hot", "hot without vibration",
              {"1m": {"bearing_temp_c": 85}, "20m": {"bearing_temp_c": 70}}, "6m..21m"),
        Scene("pump-bearing-hot", "79 °C is allowed", {"1m": {"bearing_temp_c": 79}}),
        Scene("pump-vibration", "vibrates with a cool bearing",
              {"1m": {"vibration_mm_s": 8}, "20m": {"vibration_mm_s": 3}}, "11m..21m"),
        Scene("pump-vibration", "zone C, 6.9 mm/s", {"1m": {"vibration_mm_s": 6.9}}),
        Scene("pump-dry-run", "turns without water",
              {"1m": {"head_bar": 0, "flow_m3_h": 0}, "5m": {"head_bar": 6, "flow_m3_h": 12}}, "75s..330s",
              still=frozenset({"head_bar", "flow_m3_h"})),
        Scene("pump-dry-run", "stopped, with the riser drained",
              {"1m": {"running": 0, "head_bar": 0, "flow_m3_h": 0}, "5m": {"running": 1, "head_bar": 6,
               "flow_m3_h": 12}}),
        Scene("pump-tank-low", "runs on at 4 %, and is stopped by hand",
              {"3m": {"parent.level_pct": 4}, "10m": {"running": 0, "flow_m3_h": 0}}, "4m..10m", lasts="15m"),
        Scene("pump-tank-low", "stops at 4 %",
              {"3m": {"parent.level_pct": 4, "running": 0, "flow_m3_h": 0}}, lasts="15m"),
        Scene("pump-tank-low", "runs at 6 %", {"3m": {"parent.level_pct": 6}}, lasts="15m"),
        Scene("pump-fault", "overload, code 48",
              {"1m": {"fault": 1, "fault_code": 48, "running": 0, "flow_m3_h": 0},
               "10m": {"fault": 0, "fault_code": 0, "running": 1, "flow_m3_h": 12}}, "65s..615s"),
        Scene("pump-fault", "a warning is no fault", {"1m": {"warning_code": 88}, "10m": {"warning_code": 0}}),
        Scene("pump-low-pressure", "1.5 bar while water flows",
              {"1m": {"head_bar": 1.5}, "5m": {"head_bar": 5}}, "2m..330s"),
        Scene("pump-low-pressure", "1.5 bar for 50 s as it starts", {"1m": {"head_bar": 1.5}, "110s": {"head_bar": 5}}),
        Scene("pump-short-cycling", "starts every two minutes",
              _starts(times=22, every_s=120), "2490s..", lasts="45m"),
        Scene("pump-short-cycling", "twenty starts", _starts(times=20, every_s=120)),
        Scene("pump-closed-valve", "pumps against a closed valve",
              {"1m": {"flow_m3_h": 0, "head_bar": 11}, "20m": {"flow_m3_h": 12, "head_bar": 6}}, "11m..1230s",
              still=frozenset({"flow_m3_h"})),
        Scene("pump-closed-valve", "little flow at night, and stops after eight minutes",
              {"1m": {"flow_m3_h": 0, "head_bar": 8}, "9m": {"running": 0, "head_bar": 6}},
              still=frozenset({"flow_m3_h"})),
        Scene("pump-over-pressure", "a zone at 15 bar",
              {"1m": {"head_bar": 15}, "5m": {"head_bar": 10}}, "90s..6m"),
        Scene("pump-over-pressure", "water hammer of ten seconds", {"1m": {"head_bar": 18}, "72s": {"head_bar": 6}}),
        Scene("pump-pressure-frozen", "the pressure stands still while the flow moves",
              {"10m": {"head_bar": 6.2}}, "0s..10m", still=frozenset({"head_bar"})),
        Scene("pump-pressure-frozen", "nothing moves, pressure nor flow", {},
              still=frozenset({"head_bar", "flow_m3_h"}), lasts="10m"),
        Scene("pump-left-local", "left in local control",
              {"1m": {"remote_control": 0}, "35m": {"remote_control": 1}}, "31m..35m"),
        Scene("pump-left-local", "in local control for 25 minutes",
              {"1m": {"remote_control": 0}, "26m": {"remote_control": 1}}),
    ),
)  # fmt: skip

TANK = Book(
    "water-tank",
    good={
        "level_pct": 70, "overflow": 0, "hatch_open": 0, "residual_chlorine_mg_l": 0.3, "turbidity_ntu": 0.3,
        "ph": 7.4, "water_temp_c": 15,
    },
    trembles={"level_pct": 0.5},
    scenes=(
        Scene("tank-level-low", "nothing comes in",
              {"1m": {"level_pct": 18}, "30m": {"level_pct": 35}}, "4m..33m", before={"level_pct": 24}),
        Scene("tank-level-low", "nearly empty",
              {"1m": {"level_pct": 18}, "8m": {"level_pct": 6}, "20m": {"level_pct": 15}, "30m": {"level_pct": 35}},
              "4m..33m", before={"level_pct": 24}, also={"tank-level-low#critical": "9m..23m"}),
        Scene("tank-level-low", "21 % after the morning", {"1m": {"level_pct": 21}}, before={"level_pct": 30}),
        Scene("tank-overflow", "the float valve sticks",
              {"1m": {"overflow": 1, "level_pct": 99}, "20m": {"overflow": 0, "level_pct": 93}}, "2m..21m",
              before={"level_pct": 95}),
        Scene("tank-overflow", "filled to 97 %", {"1m": {"level_pct": 97}}, before={"level_pct": 95}),
        Scene("tank-empties-fast", "2.5 % a minute for half an hour",
              _falls("level_pct", start=90, by_minute=-2.5, minutes=24), "9m..31m", before={"level_pct": 90},
              lasts="40m"),
        Scene("tank-empties-fast", "1 % a minute in the busiest hour",
              _falls("level_pct", start=90, by_minute=-1, minutes=60), before={"level_pct": 90}),
        Scene("tank-level-stuck", "the transmitter says the same all day",
              {"30m": {"level_pct": 66}}, "0s..30m", still=frozenset({"level_pct"})),
        Scene("tank-level-stuck", "moves by half a per cent", {}, lasts="30m"),
        Scene("tank-chlorine-low", "0.03 mg/L after a night",
              {"5m": {"residual_chlorine_mg_l": 0.03}, "2h": {"residual_chlorine_mg_l": 0.2}}, "35m..150m"),
        Scene("tank-chlorine-low", "just the limit", {"5m": {"residual_chlorine_mg_l": 0.05}}),
        Scene("tank-chlorine-high", "the dosing pump runs on",
              {"5m": {"residual_chlorine_mg_l": 2.6}, "1h": {"residual_chlorine_mg_l": 1}}, "20m..75m"),
        Scene("tank-chlorine-high", "one reading too high",
              {"5m": {"residual_chlorine_mg_l": 2.6}, "10m": {"residual_chlorine_mg_l": 0.5}}),
        Scene("tank-turbidity-high", "silt is stirred up",
              {"5m": {"turbidity_ntu": 2.4}, "1h": {"turbidity_ntu": 0.4}}, "20m..75m"),
        Scene("tank-turbidity-high", "a bubble in the analyser",
              {"5m": {"turbidity_ntu": 9}, "10m": {"turbidity_ntu": 0.4}}),
        Scene("tank-ph", "pH 9.1", {"5m": {"ph": 9.1}, "2h": {"ph": 7.5}}, "35m..150m"),
        Scene("tank-ph", "pH 8.5", {"5m": {"ph": 8.5}}),
        Scene("tank-hatch-open", "open for a quarter of an hour",
              {"1m": {"hatch_open": 1}, "16m": {"hatch_open": 0}}, "3m..16m"),
        Scene("tank-hatch-open", "a sample is taken", {"1m": {"hatch_open": 1}, "150s": {"hatch_open": 0}}),
    ),
)  # fmt: skip

PUMP_ROOM = Book(
    "pump-room-monitor",
    good={
        "floor_flooded": 0, "sump_level_pct": 10, "sump_pump_running": 0, "room_temp_c": 18, "humidity_pct": 60,
        "door_open": 0,
    },
    scenes=(
        Scene("pump-room-flooded", "a pipe bursts",
              {"1m": {"floor_flooded": 1}, "1h": {"floor_flooded": 0}}, "80s..65m"),
        Scene("pump-room-flooded", "a splash while the strainer is cleaned",
              {"1m": {"floor_flooded": 1}, "75s": {"floor_flooded": 0}}),
        Scene("pump-room-sump-high", "the sump fills",
              {"1m": {"sump_level_pct": 92}, "20m": {"sump_level_pct": 40}}, "3m..20m"),
        Scene("pump-room-sump-high", "84 % before the second pump starts", {"1m": {"sump_level_pct": 84}}),
        Scene("pump-room-sump-not-falling", "the pump turns and nothing leaves",
              {"1m": {"sump_level_pct": 60, "sump_pump_running": 1}, "30m": {"sump_level_pct": 10,
               "sump_pump_running": 0}}, "10m..30m"),
        Scene("pump-room-sump-not-falling", "ten minutes of work lower it",
              {"1m": {"sump_pump_running": 1}, **{f"{n}m": {"sump_level_pct": 60 - 3 * n} for n in range(2, 16)},
               "16m": {"sump_pump_running": 0}}, before={"sump_level_pct": 60}),
        Scene("pump-room-cold", "the heating fails",
              {"1m": {"room_temp_c": 3}, "1h": {"room_temp_c": 8}}, "16m..1h"),
        Scene("pump-room-cold", "the door stands open for ten minutes in winter",
              {"1m": {"room_temp_c": 3, "door_open": 1}, "11m": {"room_temp_c": 8, "door_open": 0}}),
        Scene("pump-room-humid", "it drips for an afternoon",
              {"1m": {"humidity_pct": 95}, "4h": {"humidity_pct": 80}}, "121m..4h"),
        Scene("pump-room-humid", "the floor is washed", {"1m": {"humidity_pct": 95}, "91m": {"humidity_pct": 80}}),
        Scene("pump-room-door-open", "left open", {"1m": {"door_open": 1}, "1h": {"door_open": 0}}, "16m..1h"),
        Scene("pump-room-door-open", "a round of ten minutes", {"1m": {"door_open": 1}, "11m": {"door_open": 0}}),
    ),
)  # fmt: skip

BOOKS = (PUMP, TANK, PUMP_ROOM)
