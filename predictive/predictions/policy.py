"""Whether a finding is worth an alarm and a visit: the expected cost of going for nothing against that of waiting.

Source: docs/predictive.md, "From a finding to an order".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from building.equipment import EquipmentKind
from predictive.predictions.finding import DaysLeft
from predictive.predictions.life import Happening


@dataclass(frozen=True)
class Costs:
    """What one visit costs, and what one failure costs beyond the repair itself; in the site's currency."""

    visit: Decimal
    failure: Decimal


@dataclass(frozen=True)
class OrderRules:
    """Below `alarm_confidence` nobody is told; below `order_confidence` nobody is sent.

    plan_days: how long it takes from an order to somebody at the equipment with the part, at worst.
    unknown_days: within how many days something fails of which no time is known.
    """

    alarm_confidence: float = 0.5
    order_confidence: float = 0.7
    plan_days: float = 21.0
    unknown_days: float = 30.0


@dataclass(frozen=True)
class Visit:
    """Somebody will be at the equipment anyway, in `days`."""

    days: float


@dataclass(frozen=True)
class Decision:
    """What follows of a finding, with the figures that decided it.

    of_going: expected cost of an order now, which is a visit for nothing. of_waiting: that of not ordering now: a
    failure (or waste) within the time that planning takes. fails_in_time: the chance of that failure, given that the
    finding is right. folds: it is work, and the next planned visit is soon enough for it.
    """

    happening: Happening
    of_going: float
    of_waiting: float
    fails_in_time: float
    folds: bool = False

    @property
    def raises(self) -> bool:
        return self.happening in (Happening.TELLING, Happening.PRESSING)

    @property
    def orders(self) -> bool:
        return self.happening is Happening.PRESSING


USUAL_RULES: Final = OrderRules()

_OTHER: Final = Costs(visit=Decimal(150), failure=Decimal(1_500))
# Orders of magnitude for a residential estate, in yuan; a manager sets the site's own. A failure costs what the repair
# does not: overtime, tanked-in water, spoilt goods, rescue, complaints, energy wasted unseen.
_USUAL: Final[Mapping[EquipmentKind, Costs]] = {
    EquipmentKind.ELEVATOR: Costs(Decimal(300), Decimal(8_000)),
    EquipmentKind.ESCALATOR: Costs(Decimal(300), Decimal(6_000)),
    EquipmentKind.PUMP: Costs(Decimal(200), Decimal(5_000)),
    EquipmentKind.FIRE_PUMP: Costs(Decimal(300), Decimal(20_000)),
    EquipmentKind.CHILLER: Costs(Decimal(500), Decimal(15_000)),
    EquipmentKind.AHU: Costs(Decimal(200), Decimal(2_500)),
    EquipmentKind.FAN: Costs(Decimal(200), Decimal(2_000)),
    EquipmentKind.SMOKE_DETECTOR: Costs(Decimal(80), Decimal(1_000)),
    EquipmentKind.HEAT_DETECTOR: Costs(Decimal(80), Decimal(1_000)),
    EquipmentKind.GAS_DETECTOR: Costs(Decimal(80), Decimal(2_000)),
    EquipmentKind.DOOR: Costs(Decimal(120), Decimal(800)),
    EquipmentKind.ELECTRICITY_METER: Costs(Decimal(100), Decimal(1_000)),
    EquipmentKind.WATER_METER: Costs(Decimal(100), Decimal(1_500)),
    EquipmentKind.GAS_METER: Costs(Decimal(100), Decimal(2_000)),
    EquipmentKind.HEAT_METER: Costs(Decimal(100), Decimal(1_000)),
}


def costs_of(kind: EquipmentKind) -> Costs:
    """The usual costs of a kind, where the site has set none."""
    return _USUAL.get(kind, _OTHER)


def decide(
    *, confidence: float, days_left: DaysLeft | None, costs: Costs, rules: OrderRules = USUAL_RULES,
    waste_a_day: float | None = None, next_visit: Visit | None = None,
) -> Decision:  # fmt: skip
    """An order goes out when it is sure enough and when waiting is expected to cost more than going for nothing.

    Of two findings equally sure, that which has months left waits: it is looked at again tomorrow, better known. One
    that is work is folded into the next planned visit when the wait until then costs less than the visit it saves.
    """
    visit, failure, waste = float(costs.visit), float(costs.failure), waste_a_day or 0.0
    fails_in_time = chance_within(rules.plan_days, days_left, rules=rules)
    of_going = (1 - confidence) * visit
    of_waiting = confidence * (fails_in_time * failure + waste * rules.plan_days)
    is_pressing = confidence >= rules.order_confidence and of_waiting > of_going
    is_telling = confidence >= rules.alarm_confidence
    happening = Happening.PRESSING if is_pressing else Happening.TELLING if is_telling else Happening.WEAK
    folds = False
    if is_pressing and next_visit is not None:
        until = chance_within(next_visit.days, days_left, rules=rules) * failure + waste * next_visit.days
        folds = confidence * until <= visit
    return Decision(happening, of_going, of_waiting, fails_in_time, folds)


def chance_within(days: float, left: DaysLeft | None, *, rules: OrderRules = USUAL_RULES) -> float:
    """The chance that it fails within `days`, 0…1, if the finding is right.

    The interval is read as its 10th, 50th and 90th percentile, straight between them and out to 0 and 100 %; without
    one each of the next `unknown_days` is as likely as any other.
    """
    if days <= 0:
        return 0.0
    if left is None:
        return min(days / rules.unknown_days, 1.0)
    steps = [
        (max(0.0, left.low - (left.median - left.low) / 4), 0.0), (left.low, 0.1), (left.median, 0.5),
        (left.high, 0.9), (left.high + (left.high - left.median) / 4, 1.0),
    ]  # fmt: skip
    for (start, before), (end, after) in pairwise(steps):
        if days < end:
            return before if days <= start else before + (after - before) * (days - start) / (end - start)
    return 1.0
