"""How much is asked of whoever answers alarms (EEMUA 191, ISA-18.2), and what to do about the worst rules: pure.

An announcement is an alarm that asks for attention: raised, or raised again. Life safety and tests are counted nowhere
here: of those none is one too many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PERIOD = timedelta(minutes=10)
# A flood begins with more than so many announcements to one operator in ten minutes, and ends below so many.
FLOOD_BEGINS, FLOOD_ENDS = 10, 5
WORST_RULES = 10
STALE_AFTER = timedelta(hours=24)
# Of an alarm that is over sooner nobody saw more than its end.
FLEETING = timedelta(seconds=60)
# A condition that begins so often within a minute chatters.
CHATTERS, CHATTER_WITHIN = 3, timedelta(seconds=60)


class Load(StrEnum):
    """Announcements an operator in ten minutes, on average: EEMUA 191's bands."""

    ACCEPTABLE = "acceptable"  # at most 1
    MANAGEABLE = "manageable"  # at most 2
    OVER_DEMANDING = "over_demanding"  # at most 5
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True)
class Stretch:
    """Ten minutes that began at `at`, and how many announcements came in them."""

    at: datetime
    announcements: int


@dataclass(frozen=True)
class LoadFigures:
    """`flood_share` is the share of time, 0…1, in floods; `peak` the most in ten minutes, all for one operator."""

    announcements: int
    per_10_min: float
    per_day: float
    peak: float
    peak_at: datetime | None
    flood_share: float
    floods: int
    load: Load


def load_of(stretches: Sequence[Stretch], *, since: datetime, until: datetime, operators: int) -> LoadFigures:
    """Figures of a time from those of its ten minutes in which anything came, oldest first.

    The load is shared evenly by `operators` (at least 1), as they are told alike.
    """
    assert operators >= 1  # the schema's word
    total = sum(stretch.announcements for stretch in stretches)
    periods = max(1.0, (until - since) / PERIOD)
    per_10_min = total / operators / periods
    busiest = max(stretches, key=lambda stretch: stretch.announcements, default=None)
    in_flood, floods = _floods(stretches, operators=operators)
    return LoadFigures(
        announcements=total,
        per_10_min=per_10_min,
        per_day=per_10_min * (timedelta(days=1) / PERIOD),
        peak=busiest.announcements / operators if busiest is not None else 0.0,
        peak_at=busiest.at if busiest is not None else None,
        flood_share=min(1.0, in_flood / periods),
        floods=floods,
        load=load(per_10_min),
    )


def load(per_10_min: float) -> Load:
    if per_10_min <= 1:
        return Load.ACCEPTABLE
    if per_10_min <= 2:
        return Load.MANAGEABLE
    return Load.OVER_DEMANDING if per_10_min <= 5 else Load.UNACCEPTABLE


def _floods(stretches: Sequence[Stretch], *, operators: int) -> tuple[int, int]:
    """How many ten minutes were in a flood, and how many floods there were."""
    in_flood = floods = 0
    is_flooded = False
    before: datetime | None = None
    for stretch in stretches:
        each = stretch.announcements / operators
        # Ten minutes in which nothing came are not among them.
        goes_on = is_flooded and before is not None and stretch.at - before <= PERIOD and each >= FLOOD_ENDS
        floods += each > FLOOD_BEGINS and not goes_on
        is_flooded = goes_on or each > FLOOD_BEGINS
        in_flood += is_flooded
        before = stretch.at
    return in_flood, floods


# --- rules -----------------------------------------------------------------------------------------------------------


class Proposal(StrEnum):
    """What would rid people of a rule's nuisance. Shown with its figures; done by a person or not at all."""

    ONE_DEVICE = "one_device"  # most of it comes from one equipment: look at that
    LONGER_CLEAR = "longer_clear"  # it comes and goes: hysteresis, and `clear_for` of so long
    LONGER_FOR = "longer_for"  # it is over before anybody looks: `for` of so long
    OTHER_THRESHOLD = "other_threshold"  # people found most of it false: try another threshold on history
    FIX_ROOT = "fix_root"  # most of it is explained by something else: mend that
    TAKE_OUT = "take_out"  # it lasts and lasts: mend it, or take it out of service with a reason
    LOWER_SEVERITY = "lower_severity"  # nobody answers it: a lower severity, or a record and no alarm
    KEEP = "keep"  # it asks for little


@dataclass(frozen=True)
class RuleFigures:
    """What a rule (`source`, `source_id`) asked of people in a time. Durations in seconds, None where nothing ended.

    `gap_s` is within what time nine in ten of those that came again within ten minutes did; `quick_s` is how long nine
    in ten of the fleeting ones lasted. `top_equipment` gave `top_announcements`. Labels count what people said.
    """

    source: str
    source_id: str
    announcements: int
    alarms: int
    explained: int
    answered: int
    stale: int
    episodes: int
    fleeting: int
    returns: int
    gap_s: float | None
    quick_s: float | None
    median_s: float | None
    labelled: int
    false_labels: int
    top_equipment: str | None
    top_announcements: int
    equipment: int


@dataclass(frozen=True)
class Advice:
    """`seconds` is the value proposed where it is a time, `share` (0…1) how much of the rule's load it is about."""

    proposal: Proposal
    share: float
    seconds: int | None = None


# Below this many announcements in a time nothing is proposed: chance would speak.
FEW = 5


def advice_for(rule: RuleFigures) -> Advice:
    """The proposal that is about the largest part of what the rule asks, for half of it at least."""
    if rule.announcements < FEW:
        return Advice(Proposal.KEEP, 0.0)
    found = [advice for advice in _possible(rule) if advice.share >= 0.5]
    return max(found, key=lambda advice: advice.share, default=Advice(Proposal.KEEP, 0.0))


def _possible(rule: RuleFigures) -> list[Advice]:
    """In order of preference: of two equally large the first is taken."""
    possible = [
        Advice(Proposal.FIX_ROOT, _share(rule.explained, rule.alarms)),
        Advice(Proposal.LONGER_CLEAR, _share(rule.returns, rule.episodes), _rounded(rule.gap_s)),
        Advice(Proposal.LONGER_FOR, _share(rule.fleeting, rule.episodes), _rounded(rule.quick_s)),
        Advice(Proposal.TAKE_OUT, _share(rule.stale, rule.alarms)),
    ]
    if rule.labelled >= FEW:
        possible.insert(0, Advice(Proposal.OTHER_THRESHOLD, _share(rule.false_labels, rule.labelled)))
    if rule.equipment > 1:
        possible.append(Advice(Proposal.ONE_DEVICE, _share(rule.top_announcements, rule.announcements)))
    # Silence is no proof: it counts for less than anything that is known.
    possible.append(Advice(Proposal.LOWER_SEVERITY, 0.6 * (1 - _share(rule.answered, rule.alarms))))
    return possible


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


# What people write as a duration: a value between two of these becomes the longer one.
_STEPS_S = (5, 10, 15, 30, 60, 120, 180, 300, 600)


def _rounded(seconds: float | None) -> int | None:
    if seconds is None:
        return None
    return next((step for step in _STEPS_S if step >= seconds), _STEPS_S[-1])


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each one's share of all, 0…1; EEMUA 191 wants some 5 % of the highest priority, 15 % of the next, 80 % below."""
    whole = sum(counts.values())
    return {key: _share(count, whole) for key, count in counts.items()}
