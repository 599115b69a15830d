"""How good findings were, measured by failures that people confirmed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DAY_MS: Final = 86_400_000
MONTH_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`start_ms` <= time < `end_ms`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Confirmed by a closing code: `at_ms` is when somebody or something first told of it, `over_ms` when it was
    repaired."""

    at_ms: int
    over_ms: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts that add up over equipment and splits. `leads_ms`: of each failure foreseen, how long before.

    `findings` are the ones that count: those inside or after a known failure until its repair say nothing new.
    """

    findings: int = 0
    true: int = 0
    failures: int = 0
    foreseen: int = 0
    leads_ms: tuple[int, ...] = ()
    equipment_days: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.findings + other.findings, self.true + other.true, self.failures + other.failures,
            self.foreseen + other.foreseen, self.leads_ms + other.leads_ms, self.equipment_days + other.equipment_days,
        )  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Precision and recall 0–1, None where nothing was found or failed; lead in hours; false a month and equipment.

        As stored with the model: plain JSON.
        """
        false = self.findings - self.true
        months = self.equipment_days / MONTH_DAYS
        return {
            "findings": self.findings, "true": self.true, "false": false, "failures": self.failures,
            "foreseen": self.foreseen, "equipment_days": round(self.equipment_days, 1),
            "precision": round(self.true / self.findings, 4) if self.findings else None,
            "recall": round(self.foreseen / self.failures, 4) if self.failures else None,
            "lead_h": round(median(self.leads_ms) / 3_600_000, 1) if self.leads_ms else None,
            "false_a_month": round(false / months, 3) if months else None,
        }  # fmt: skip


def spans_of(ts_ms: NDArray[np.int64], is_anomaly: NDArray[np.bool_], *, join_ms: int) -> list[Span]:
    """The stretches of anomalous rows of one equipment, arrays of length T; stretches closer than `join_ms` are one."""
    found: list[Span] = []
    for at in ts_ms[is_anomaly].tolist():
        if found and at - found[-1].end_ms <= join_ms:
            found[-1] = Span(start_ms=found[-1].start_ms, end_ms=at + 1)
        else:
            found.append(Span(start_ms=at, end_ms=at + 1))
    return found


def tally(
    findings: Sequence[Span], failures: Iterable[Failure], *, judged: Span, horizon_ms: int
) -> Tally:  # fmt: skip
    """One equipment over one judged stretch.

    A finding is true when a failure followed within `horizon_ms`. A failure counts that was told of within the stretch;
    one told of up to `horizon_ms` after it makes findings true, but cannot have been missed: there was time left.
    """
    near = sorted((one for one in failures if one.over_ms > judged.start_ms), key=lambda one: one.at_ms)
    counted = [one for one in findings if not any(two.at_ms <= one.start_ms < two.over_ms for two in near)]
    true = [one for one in counted if any(_foresaw(one, two, horizon_ms) for two in near)]
    told = [one for one in near if judged.start_ms <= one.at_ms < judged.end_ms]
    leads = [
        one.at_ms - first
        for one in told
        if (first := min((two.start_ms for two in counted if _foresaw(two, one, horizon_ms)), default=None)) is not None
    ]
    days = (judged.end_ms - judged.start_ms) / DAY_MS
    return Tally(len(counted), len(true), len(told), len(leads), tuple(leads), days)


def _foresaw(finding: Span, failure: Failure, horizon_ms: int) -> bool:
    return failure.at_ms - horizon_ms <= finding.start_ms < failure.at_ms
