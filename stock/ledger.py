"""What a movement does to a part in a storehouse: quantities, value and moving average. Pure, exact, in Decimal.

The value of what lies there is kept as a sum of money, the average follows from it. So every movement is rounded once,
to the cent, and what was taken out and what still lies there always add up to what came in.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
COST_STEP = Decimal("0.0001")
ZERO = Decimal(0)
MOST_QUANTITY = Decimal("99999999999.999")  # what the columns hold
MOST_VALUE = Decimal("9999999999.99")  # what a single order could still cost


class NotEnough(Exception):
    """Less is there than was wanted; `available` says how much could be had."""

    def __init__(self, available: Decimal) -> None:
        super().__init__(f"only {available}")
        self.available = available


@dataclass(frozen=True)
class Level:
    """A part in a storehouse. `reserved` lies there too and belongs to orders. `value` is money, of `on_hand`;
    `average_cost` that of one unit, the last one known when nothing is there."""

    on_hand: Decimal = ZERO
    reserved: Decimal = ZERO
    value: Decimal = ZERO
    average_cost: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.reserved


@dataclass(frozen=True)
class Change:
    """What a movement added to a level, each part of it negative when it took away."""

    on_hand: Decimal = ZERO
    reserved: Decimal = ZERO
    value: Decimal = ZERO


def receive(level: Level, quantity: Decimal, *, unit_cost: Decimal) -> Change:
    """Goods come in at `unit_cost` a unit."""
    return Change(on_hand=quantity, value=_cents(quantity * unit_cost))


def reserve(level: Level, quantity: Decimal) -> Change:
    """Keeps goods for an order. Raises NotEnough."""
    if quantity > level.available:
        raise NotEnough(level.available)
    return Change(reserved=quantity)


def release(quantity: Decimal, *, held: Decimal) -> Change:
    """An order that `held` so many lets go of some. Raises NotEnough."""
    if quantity > held:
        raise NotEnough(held)
    return Change(reserved=-quantity)


def use(level: Level, quantity: Decimal, *, held: Decimal) -> Change:
    """Goods leave for an order, first those it `held`, then what nobody reserved. Raises NotEnough."""
    could = level.available + held
    if quantity > could:
        raise NotEnough(could)
    return Change(on_hand=-quantity, reserved=-min(quantity, held), value=-_share(level, quantity))


def give_back(quantity: Decimal, *, taken: Decimal, taken_value: Decimal) -> Change:
    """An order that took so many, of that value, brings some back at what they cost it. Raises NotEnough."""
    if quantity > taken:
        raise NotEnough(taken)
    value = taken_value if quantity == taken else _cents(taken_value * quantity / taken)
    return Change(on_hand=quantity, value=value)


def count(level: Level, counted: Decimal) -> Change:
    """So many were found. What is missing leaves at the average, what is too many comes in at it.

    Raises NotEnough when fewer were counted than are reserved.
    """
    if counted < level.reserved:
        raise NotEnough(level.reserved)
    difference = counted - level.on_hand
    value = -_share(level, -difference) if difference < 0 else _cents(difference * level.average_cost)
    return Change(on_hand=difference, value=value)


def applied(level: Level, change: Change) -> Level:
    """The level after a change. A part that ran out keeps the average it had: the next count may find some."""
    on_hand, value = level.on_hand + change.on_hand, level.value + change.value
    after = replace(level, on_hand=on_hand, reserved=level.reserved + change.reserved, value=value)
    if on_hand == 0:
        return after
    return replace(after, average_cost=(value / on_hand).quantize(COST_STEP, ROUND_HALF_UP))


def is_too_much(level: Level) -> bool:
    """Whether more would lie there than can be written down."""
    return level.on_hand > MOST_QUANTITY or level.value > MOST_VALUE


def runs_low(*, before: Level, after: Level, minimum_before: Decimal, minimum: Decimal) -> bool:
    """Whether a part is below its minimum now and was not before, whichever of the two moved: the storekeeper hears of
    it once."""
    return after.available < minimum and not before.available < minimum_before


def _share(level: Level, quantity: Decimal) -> Decimal:
    # The last unit takes every cent that is left.
    if quantity == level.on_hand:
        return level.value
    return _cents(level.value * quantity / level.on_hand)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
