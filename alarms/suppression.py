"""Which alarms are held back, after ISA-18.2: by design (work on the equipment) or shelved by an operator. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from alarms.models import Alarm, Inhibition, InhibitionKind


def holder_of(alarm: Alarm, standing: Sequence[Inhibition], *, now: datetime) -> Inhibition | None:
    """What holds this alarm back: a shelf before an inhibition, and of shelves the one that ends last.

    `standing` are the inhibitions of its equipment that nobody released. Life safety is never held back.
    """
    if alarm.life_safety:
        return None
    holding = [each for each in standing if (each.until is None or each.until > now) and _concerns(each, alarm)]
    shelves = [each for each in holding if each.kind == InhibitionKind.SHELVED]
    if shelves:
        return max(shelves, key=lambda shelf: shelf.until or now)
    return holding[0] if holding else None


def note_holder(alarm: Alarm, holder: Inhibition | None) -> None:
    """Writes on the alarm what holds it back, for whoever reads it."""
    is_shelved = holder is not None and holder.kind == InhibitionKind.SHELVED
    alarm.suppressed_by = holder.kind if holder is not None else None
    alarm.shelved_until = holder.until if holder is not None and is_shelved else None


def _concerns(inhibition: Inhibition, alarm: Alarm) -> bool:
    kind = InhibitionKind(inhibition.kind)
    match kind:
        case InhibitionKind.SHELVED:
            return (inhibition.source, inhibition.source_id) == (alarm.source, alarm.source_id)
        case InhibitionKind.INHIBITED:
            return inhibition.fault_mode in (None, alarm.fault_mode)
        case _:
            assert_never(kind)
