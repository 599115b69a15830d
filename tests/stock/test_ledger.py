"""What movements do to a level: nothing is lost, nothing is below zero, money adds up to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock import ledger
from stock.ledger import Level, NotEnough

QUANTITIES = st.decimals(min_value="0.001", max_value=500, places=3)
COSTS = st.decimals(min_value=0, max_value=2000, places=4)


def test_the_average_moves_with_what_comes_in_and_not_with_what_goes_out() -> None:
    level = ledger.applied(Level(), ledger.receive(Level(), Decimal(10), unit_cost=Decimal(30)))
    level = ledger.applied(level, ledger.receive(level, Decimal(10), unit_cost=Decimal(40)))
    assert (level.value, level.average_cost) == (Decimal(700), Decimal(35))
    level = ledger.applied(level, ledger.use(level, Decimal(5), held=Decimal(0)))
    assert (level.on_hand, level.value, level.average_cost) == (Decimal(15), Decimal(525), Decimal(35))


def test_the_last_unit_takes_every_cent_that_is_left() -> None:
    level = ledger.applied(Level(), ledger.receive(Level(), Decimal(3), unit_cost=Decimal("3.3333")))
    assert level.value == Decimal("10.00")
    for _ in range(3):
        level = ledger.applied(level, ledger.use(level, Decimal(1), held=Decimal(0)))
    assert (level.on_hand, level.value) == (Decimal(0), Decimal(0))


def test_what_comes_back_brings_back_what_it_cost_the_order() -> None:
    level = ledger.applied(Level(), ledger.receive(Level(), Decimal(2), unit_cost=Decimal(10)))
    taken = ledger.use(level, Decimal(2), held=Decimal(0))
    level = ledger.applied(level, taken)
    level = ledger.applied(level, ledger.receive(level, Decimal(2), unit_cost=Decimal(99)))
    back = ledger.give_back(Decimal(1), taken=Decimal(2), taken_value=-taken.value)
    assert back.value == Decimal("10.00")


def test_an_order_takes_what_it_reserved_and_nobody_elses() -> None:
    level = Level(on_hand=Decimal(5), reserved=Decimal(4), value=Decimal(50), average_cost=Decimal(10))
    with pytest.raises(NotEnough) as short:
        ledger.use(level, Decimal(4), held=Decimal(2))
    assert short.value.available == 3
    change = ledger.use(level, Decimal(3), held=Decimal(2))
    assert (change.on_hand, change.reserved, change.value) == (Decimal(-3), Decimal(-2), Decimal("-30.00"))


def test_a_count_below_what_is_reserved_is_for_a_person_to_settle() -> None:
    with pytest.raises(NotEnough):
        ledger.count(Level(on_hand=Decimal(5), reserved=Decimal(4)), Decimal(3))


@pytest.mark.parametrize(
    ("before", "after", "minimum_before", "minimum", "told"),
    [
        (5, 4, 5, 5, True), (5, 5, 5, 5, False), (4, 3, 5, 5, False), (3, 6, 5, 5, False), (9, 0, 0, 0, False),
        (4, 4, 0, 5, True), (4, 4, 5, 6, False), (4, 4, 5, 3, False), (4, 6, 3, 5, False), (9, 4, 5, 3, False),
        (9, 4, 3, 5, True),
    ],
)  # fmt: skip
def test_the_storekeeper_hears_once_when_the_minimum_is_passed_or_raised_above(
    before: int, after: int, minimum_before: int, minimum: int, told: bool
) -> None:
    levels = [Level(on_hand=Decimal(quantity)) for quantity in (before, after)]
    is_told = ledger.runs_low(
        before=levels[0], after=levels[1], minimum_before=Decimal(minimum_before), minimum=Decimal(minimum)
    )
    assert is_told is told


MOVES = st.lists(
    st.tuples(st.sampled_from(["receive", "reserve", "release", "use", "back", "count"]), QUANTITIES, COSTS)
)


def _moved(
    kind: str, level: Level, quantity: Decimal, *, cost: Decimal, held: Decimal, used: Decimal, used_value: Decimal
) -> ledger.Change:
    match kind:
        case "receive":
            return ledger.receive(level, quantity, unit_cost=cost)
        case "reserve":
            return ledger.reserve(level, quantity)
        case "release":
            return ledger.release(quantity, held=held)
        case "use":
            return ledger.use(level, quantity, held=held)
        case "back":
            return ledger.give_back(quantity, taken=used, taken_value=used_value)
        case _:
            return ledger.count(level, quantity)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_whatever_happens_the_levels_hold_and_the_changes_add_up(moves: list[tuple[str, Decimal, Decimal]]) -> None:
    level, total = Level(), ledger.Change()
    held = used = used_value = Decimal(0)
    for kind, quantity, cost in moves:
        try:
            change = _moved(kind, level, quantity, cost=cost, held=held, used=used, used_value=used_value)
        except NotEnough:
            continue
        if kind in ("use", "back"):
            used, used_value = used - change.on_hand, used_value - change.value
        held += change.reserved
        level = ledger.applied(level, change)
        total = ledger.Change(
            total.on_hand + change.on_hand, total.reserved + change.reserved, total.value + change.value
        )  # fmt: skip
        assert 0 <= level.reserved <= level.on_hand
        assert level.value >= 0
        assert held == level.reserved
        assert (level.on_hand == 0) <= (level.value == 0)
    assert (total.on_hand, total.reserved, total.value) == (level.on_hand, level.reserved, level.value)
