from dataclasses import dataclass

from device_adapters.modbus.schedule import choose, slow_from_after


@dataclass
class Waiting:
    name: str
    due_at: float
    cost_s: float = 0.01


def chosen(*units: Waiting, now: float = 100.0, slow_from: float = 200.0) -> str | None:
    unit = choose(units, now=now, slow_from=slow_from)
    return unit.name if unit else None


def test_nobody_is_asked_before_it_is_due() -> None:
    assert chosen(Waiting("quick", 101), Waiting("slow", 101, cost_s=1), slow_from=0) is None


def test_of_the_quick_the_longest_due_is_first() -> None:
    assert chosen(Waiting("b", 99), Waiting("a", 98), Waiting("c", 103)) == "a"


def test_a_slow_unit_waits_while_a_quick_one_is_due() -> None:
    assert chosen(Waiting("slow", 90, cost_s=1), Waiting("quick", 99.9)) == "quick"


def test_a_slow_unit_is_asked_in_a_pause_that_is_long_enough() -> None:
    assert chosen(Waiting("slow", 99, cost_s=1), Waiting("quick", 101.5)) == "slow"
    assert chosen(Waiting("slow", 99, cost_s=1), Waiting("quick", 100.5)) is None


def test_a_line_of_slow_units_only_is_asked_in_turn() -> None:
    assert chosen(Waiting("a", 99, cost_s=1), Waiting("b", 98, cost_s=1)) == "b"


def test_a_busy_line_gives_slow_units_a_quarter_of_its_time() -> None:
    """Ten quick units that are always due, one second a slow poll, ten milliseconds a quick one."""
    quick = [Waiting(f"quick-{number}", 0.0) for number in range(10)]
    slow = [Waiting(f"slow-{number}", 0.0, cost_s=1.0) for number in range(3)]
    now = slow_from = 0.0
    spent = {"quick": 0.0, "slow": 0.0}
    asked: set[str] = set()
    while now < 100:
        unit = choose([*quick, *slow], now=now, slow_from=slow_from)
        assert unit is not None
        now += unit.cost_s
        unit.due_at = now
        kind = unit.name.split("-")[0]
        spent[kind] += unit.cost_s
        asked.add(unit.name)
        if kind == "slow":
            slow_from = slow_from_after(now=now, took_s=unit.cost_s)
    assert 0.2 < spent["slow"] / now < 0.3
    assert len(asked) == 13
