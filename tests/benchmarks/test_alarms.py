"""The bench of alarm floods with few devices: all of them fail, nothing is hidden, and the figures say what is."""

from benchmarks.alarms import AlarmsPart, settled
from kit.db import Database


async def test_of_every_device_that_fails_something_is_told(database: Database) -> None:
    for scene in ("gateways", "unlike"):
        found = await (await settled(database, scene, devices=48)).rage()
        assert (found["alarms"], found["hidden"], found["untold"]) == (48, 0, 0)
        assert 0 < found["notices"] <= 10


def test_too_many_notices_or_one_that_is_missing_is_a_miss() -> None:
    found = {"alarms": 9, "ms_an_alarm": 1.0, "longest_ms": 2.0, "smoke_ms": 3.0}
    scenes = {
        "gateways": found | {"notices": 11, "hidden": 0, "untold": 0},
        "unlike": found | {"notices": 10, "hidden": 1, "untold": 1},
        "alone": found | {"notices": 9, "hidden": 0, "untold": 0},
    }
    missed = {one.name for one in AlarmsPart().figures({"scenes": scenes}) if one.is_met is False}
    assert missed == {"alarms.gateways.notices", "alarms.unlike.hidden", "alarms.unlike.smoke"}
