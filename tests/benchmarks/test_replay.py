"""The bench of replays in its quick form, smaller: what it stores is what is replayed, and what it raises is found."""

from pathlib import Path

from rich.console import Console

from benchmarks.part import Context
from benchmarks.replay import ReplayPart, measured


async def test_every_hot_stretch_that_is_stored_is_found_by_both_rules(tmp_path: Path) -> None:
    details = await measured(Context(tmp_path, True, Console(quiet=True)), days=2, equipment=6)
    assert details["readings"] == 2 * 6 * 1_440
    alarms = {name: found["alarms"] for name, found in details["rules"].items()}
    # Of about six stretches of 3 to 29 minutes all are found; a mean over ten minutes is hot for the longer ones only.
    assert alarms["threshold"] == details["hot"] >= alarms["window"] > 0


def test_only_the_plain_rule_has_an_aim() -> None:
    details = {
        "days": 30, "equipment": 500, "readings": 21_600_000,
        "rules": {"threshold": {"took_s": 31.0, "alarms": 2}, "window": {"took_s": 40.0, "alarms": 1}},
    }  # fmt: skip
    figures = ReplayPart().figures(details)
    assert [(figure.column, figure.is_met) for figure in figures] == [("threshold", False), ("window", None)]
