"""Which failures were found in time, and which orders were for nothing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.months import DAY_MS, Failure
from predictive.detectors.contract import Integers

IN_TIME_DAYS = 7.0
# An order that comes back within this is the same one.
SAME_ORDER_DAYS = 14
# After a repair the fault's own days are still in the smoothing.
FADES_DAYS = 7.0
MONTH_DAYS = 30.0


@dataclass
class Count:
    """`lead_days`: of those found in time. `late`: found, but too late to plan a repair. `months`: of equipment."""

    failures: int = 0
    late: int = 0
    lead_days: list[float] = field(default_factory=list)
    false_orders: int = 0
    months: float = 0.0

    @property
    def found(self) -> int:
        return len(self.lead_days)


@dataclass(frozen=True)
class Tally:
    """By kind of wear, and by kind of equipment for what was ordered for nothing."""

    by_fault: dict[str, Count] = field(default_factory=dict)
    by_kind: dict[str, Count] = field(default_factory=dict)

    def add(self, kind: str, ordered: NDArray[np.bool_], failures: Sequence[Failure], edges_ms: Integers) -> None:
        """One equipment: `ordered` bool[D], whether an order stood at the end of each day."""
        begun = [int(edges_ms[day + 1]) for day in beginnings(ordered)]
        own = self.by_kind.setdefault(kind, Count())
        own.months += len(ordered) / MONTH_DAYS
        own.false_orders += sum(not any(_explains(each, at_ms) for each in failures) for at_ms in begun)
        for failure in failures:
            count = self.by_fault.setdefault(failure.kind, Count())
            count.failures += 1
            leads = [(failure.fails_ms - at) / DAY_MS for at in begun if failure.begins_ms <= at <= failure.fails_ms]
            if leads and leads[0] >= IN_TIME_DAYS:
                count.lead_days.append(leads[0])
            elif leads:
                count.late += 1

    def plain(self) -> dict[str, dict[str, dict[str, object]]]:
        """As JSON holds it."""
        return {"by_fault": _plain(self.by_fault), "by_kind": _plain(self.by_kind)}


def beginnings(ordered: NDArray[np.bool_]) -> list[int]:
    """The days on which an order begins that is not the last one come back."""
    days = np.flatnonzero(ordered)
    return [
        int(day)
        for day, gap in zip(days, np.diff(days, prepend=-SAME_ORDER_DAYS - 1), strict=True)
        if gap > SAME_ORDER_DAYS
    ]


def _explains(failure: Failure, at_ms: int) -> bool:
    return failure.begins_ms <= at_ms <= failure.ends_ms + FADES_DAYS * DAY_MS


def _plain(counts: Mapping[str, Count]) -> dict[str, dict[str, object]]:
    return {
        name: {
            "failures": count.failures, "found": count.found, "late": count.late, "false_orders": count.false_orders,
            "months": round(count.months, 1),
            "lead_days": float(np.median(count.lead_days)) if count.lead_days else None,
        }
        for name, count in sorted(counts.items())
    }  # fmt: skip
