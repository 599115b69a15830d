"""Which alarms are held back, after ISA-18.2: by design (a lock on the equipment, an order, a maintenance window),
shelved by an operator, or out of service; and which are marked as tests. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from alarms.models import Alarm, Inhibition, InhibitionKind

# What somebody decided about the very condition is shown before what was decided about the equipment.
_FIRST = (
    InhibitionKind.SHELVED,
    InhibitionKind.OUT_OF_SERVICE,
    InhibitionKind.LOCKED_OUT,
    InhibitionKind.MAINTENANCE,
    InhibitionKind.INHIBITED,
)


def holder_of(alarm: Alarm, standing: Sequence[Inhibition], *, now: datetime) -> Inhibition | None:
    """What holds this alarm back: a shelf before all else, and of shelves the one that ends last.

    `standing` are the inhibitions of its equipment that nobody released. Life safety is never held back.
    """
    if alarm.life_safety:
        return None
    holding = [each for each in standing if (each.until is None or each.until > now) and _concerns(each, alarm)]
    for kind in _FIRST:
        of_kind = [each for each in holding if each.kind == kind]
        if of_kind:
            return max(of_kind, key=lambda each: each.until or now)
    return None


def note_holder(alarm: Alarm, holder: Inhibition | None) -> None:
    """Writes on the alarm what holds it back, for whoever reads it."""
    is_shelved = holder is not None and holder.kind == InhibitionKind.SHELVED
    alarm.suppressed_by = holder.kind if holder is not None else None
    alarm.shelved_until = holder.until if holder is not None and is_shelved else None


def is_under_test(standing: Sequence[Inhibition], *, onset_at: datetime, now: datetime) -> bool:
    """Whether a condition that began at `onset_at` is part of a test that is going on. Of life safety too.

    Whatever is in doubt is real: what began before the test, and what is told when the test is over.
    """
    return any(
        each.kind == InhibitionKind.TESTING
        and each.until is not None
        and each.created_at <= onset_at < each.until
        and now < each.until
        for each in standing
    )


def _concerns(inhibition: Inhibition, alarm: Alarm) -> bool:
    kind = InhibitionKind(inhibition.kind)
    match kind:
        case InhibitionKind.SHELVED:
            return (inhibition.source, inhibition.source_id) == (alarm.source, alarm.source_id)
        case InhibitionKind.OUT_OF_SERVICE:
            return inhibition.source is None or (
                (inhibition.source, inhibition.source_id) == (alarm.source, alarm.source_id)
            )
        case InhibitionKind.INHIBITED | InhibitionKind.MAINTENANCE:
            return inhibition.fault_mode in (None, alarm.fault_mode)
        case InhibitionKind.LOCKED_OUT:
            return True
        case InhibitionKind.TESTING:
            return False
        case _:
            assert_never(kind)
