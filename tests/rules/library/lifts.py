"""Elevators."""

from tests.rules.library.scenes import Book, Changes, Scene

_OPEN, _CLOSED = {"door_closed": 0}, {"door_closed": 1}


def _door(*, times: int, every_s: int) -> Changes:
    """It opens and closes so often, from the first minute on."""
    opens = [60 + every_s * n for n in range(times)]
    return {f"{at}s": _OPEN for at in opens} | {f"{at + 10}s": _CLOSED for at in opens}


def _rides(*, times: int) -> Changes:
    """A ride of 50 s a minute, each to the next floor."""
    begin = {f"{60 * n}s": {"running": 1.0} for n in range(1, times)}
    return begin | {f"{60 * n + 50}s": {"running": 0, "floor": n} for n in range(1, times)}


ELEVATOR = Book(
    "gb24476-elevator",
    good={
        "service_mode": 1, "running": 0, "floor": 3, "door_zone": 1, "door_closed": 1, "passenger_present": 0,
        "passenger_trapped": 0, "alarm_button": 0, "fault_code": 0, "levelling_error_mm": 2, "machine_room_temp_c": 28,
    },
    trembles={"machine_room_temp_c": 0.2},
    pace=3,
    scenes=(
        Scene("elevator-passenger-trapped", "the terminal calls it trapped, and freed",
              {"2m": {"passenger_trapped": 1}, "9m": {"passenger_trapped": 0}}, "2m..9m"),
        Scene("elevator-passenger-trapped", "somebody rides; nobody is trapped",
              {"1m": {"passenger_present": 1, "running": 1}, "80s": {"running": 0, "floor": 4}}),
        Scene("elevator-alarm-button", "pressed for ten seconds",
              {"1m": {"alarm_button": 1}, "70s": {"alarm_button": 0}}, "1m..70s"),
        Scene("elevator-alarm-button", "the controller writes 90 into its codes, the button's own point stays",
              {"1m": {"fault_code": 90}, "2m": {"fault_code": 0}}),
        Scene("elevator-door-stuck", "the door stays open", {"1m": _OPEN, "5m": _CLOSED}, "150s..320s"),
        Scene("elevator-door-stuck", "the controller reports code 2",
              {"1m": {"fault_code": 2}, "5m": {"fault_code": 0}}, "150s..320s"),
        Scene("elevator-door-stuck", "open for 85 s while somebody moves in", {"1m": _OPEN, "145s": _CLOSED}),
        Scene("elevator-door-stuck", "open for an hour, in maintenance",
              {"1m": {"service_mode": 2}, "2m": _OPEN, "1h": _CLOSED, "61m": {"service_mode": 1}}),
        Scene("elevator-fault", "code 6, the motor's run-time limiter",
              {"1m": {"fault_code": 6}, "4m": {"fault_code": 0}}, "65s..4m"),
        Scene("elevator-fault", "40 to 43 are events, no faults", {"1m": {"fault_code": 40}, "9m": {"fault_code": 0}}),
        Scene("elevator-fault", "a code for two seconds", {"1m": {"fault_code": 7}, "62s": {"fault_code": 0}}),
        Scene("elevator-unintended-movement", "code 5 has a rule of its own, at once",
              {"1m": {"fault_code": 5}, "30m": {"fault_code": 0}}, "1m..30m"),
        Scene("elevator-unintended-movement", "code 4 is another fault",
              {"1m": {"fault_code": 4}, "3m": {"fault_code": 0}}, also={"elevator-fault": "65s..3m"}),
        Scene("elevator-stopped-between-floors", "stands outside a door zone with somebody inside",
              {"1m": {"passenger_present": 1, "running": 1, "door_zone": 0}, "90s": {"running": 0},
               "8m": {"door_zone": 1}}, "210s..490s"),
        Scene("elevator-stopped-between-floors", "stands outside a door zone, empty",
              {"1m": {"running": 1, "door_zone": 0}, "90s": {"running": 0}, "8m": {"door_zone": 1}}),
        Scene("elevator-stopped-between-floors", "levels by itself after 100 s",
              {"1m": {"passenger_present": 1, "running": 1, "door_zone": 0}, "90s": {"running": 0},
               "190s": {"running": 1}, "195s": {"running": 0, "door_zone": 1}}),
        Scene("elevator-mains-off", "event 41 and the mains back",
              {"1m": {"fault_code": 41}, "10m": {"fault_code": 40}}, "90s..10m"),
        Scene("elevator-mains-off", "changed over to the other supply in 20 s",
              {"1m": {"fault_code": 41}, "80s": {"fault_code": 40}}),
        Scene("elevator-door-reopens", "opens every 15 s, as long as a bag lies on the sill",
              _door(times=20, every_s=15), "285s..615s"),
        Scene("elevator-door-reopens", "serves floor after floor, one in 20 s", _door(times=40, every_s=20)),
        Scene("elevator-runs-on", "the ropes slip",
              {"1m": {"running": 1}, "6m": {"running": 0}}, "3m..6m"),
        Scene("elevator-runs-on", "all the way up a tower, in 80 s",
              {"1m": {"running": 1}, "140s": {"running": 0, "floor": 90}}),
        Scene("elevator-runs-on", "one ride after the other", _rides(times=12)),
        Scene("elevator-out-of-service", "switched off overnight",
              {"1m": {"service_mode": 0}, "7h": {"service_mode": 1}}, "6m..7h"),
        Scene("elevator-out-of-service", "switched off for four minutes",
              {"1m": {"service_mode": 0}, "5m": {"service_mode": 1}}),
        Scene("elevator-emergency-mode", "fire return",
              {"1m": {"service_mode": 3}, "5m": {"service_mode": 1}}, "1m..5m"),
        Scene("elevator-emergency-mode", "maintenance is none",
              {"1m": {"service_mode": 2}, "1h": {"service_mode": 1}}),
        Scene("elevator-maintenance-long", "left in maintenance overnight",
              {"1m": {"service_mode": 2}, "10h": {"service_mode": 1}}, "481m..10h"),
        Scene("elevator-maintenance-long", "a maintenance of seven hours",
              {"1m": {"service_mode": 2}, "421m": {"service_mode": 1}}),
        Scene("elevator-levelling-error", "stops 25 mm too low",
              {"1m": {"levelling_error_mm": -25}, "10m": {"levelling_error_mm": 3}}, "2m..15m"),
        Scene("elevator-levelling-error", "14 mm are within the limits",
              {"1m": {"levelling_error_mm": 14}, "10m": {"levelling_error_mm": 3}}),
        Scene("elevator-machine-room-hot", "the cooling fails",
              {"1m": {"machine_room_temp_c": 46}, "20m": {"machine_room_temp_c": 35}}, "6m..21m"),
        Scene("elevator-machine-room-hot", "hotter and hotter: one alarm that becomes worse, and less bad again",
              {"3m": {"machine_room_temp_c": 46}, "12m": {"machine_room_temp_c": 54},
               "24m": {"machine_room_temp_c": 44}, "36m": {"machine_room_temp_c": 30}}, "6m..36m",
              also={"elevator-machine-room-hot#major": "15m..24m"}),
        Scene("elevator-machine-room-hot", "39.9 °C on a summer's day", {"1m": {"machine_room_temp_c": 39.7}}),
        Scene("elevator-machine-room-cold", "the heating fails in winter",
              {"1m": {"machine_room_temp_c": 3}, "30m": {"machine_room_temp_c": 9}}, "13m..30m"),
        Scene("elevator-machine-room-cold", "a window open for five minutes",
              {"1m": {"machine_room_temp_c": 3}, "9m": {"machine_room_temp_c": 9}}),
    ),
)  # fmt: skip

BOOKS = (ELEVATOR,)
