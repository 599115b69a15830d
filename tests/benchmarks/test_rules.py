"""The machines that the bench of rules draws, and what its figures are made of."""

from pathlib import Path

import numpy as np

from benchmarks.rules import MORE_WINDOWED, RulesPart, fleet, judge, plain_rules, rebuild, rule, spoken
from building.reading import ReadingBatch


async def test_a_judge_that_is_rebuilt_from_the_store_has_all_of_its_windows(tmp_path: Path) -> None:
    found = await rebuild(tmp_path, [rule("more", MORE_WINDOWED)], fleet(50))
    assert (found["rebuilt_readings"], found["missing_readings"]) == (50 * 121, 0)


def test_machines_say_something_that_rules_find_and_each_of_them_is_judged() -> None:
    it = judge(plain_rules(), fleet(100))
    assert it.rules.pairs == 500
    said = ReadingBatch.concat(list(spoken(100, rounds=20)))
    assert len(np.unique(said.point_no)) == 1_000
    assert it.judge(said, now_ms=int(said.ts_ms.max())).detections


def test_a_cost_is_the_difference_to_the_same_judge_without() -> None:
    details = {
        "pairs": 50_000, "more": 20_000, "readings": 1_000_000, "bytes_a_pair": 300.0, "rebuild_s": 12.0,
        "took_s": {"base": 10.0, "plain": 11.0, "windowed": 14.0}, "rebuilt_readings": 5, "missing_readings": 0,
    }  # fmt: skip
    by_name = {figure.name: figure for figure in RulesPart().figures(details)}
    assert (by_name["rules.speed"].value, by_name["rules.share"].value) == (100_000, 20)
    assert (by_name["rules.more.plain"].value, by_name["rules.more.windowed"].value) == (0.5, 2.0)
    assert [name for name, figure in by_name.items() if figure.is_met is False] == [
        "rules.more.windowed", "rules.rebuild",
    ]  # fmt: skip
