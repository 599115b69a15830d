"""Which trouble explains which, pure: power → pump → riser, gateway → its devices.

The catalog says what hangs on what (an equipment's parent). One trouble is the root; everything it explains is linked
right under it, so that there are no chains to climb. Orders and alarms are linked by the same words.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry
from catalog.views import Upstream

# What a device that is not heard is said to have (`alarms.handlers`, rules for missing data).
SILENCE = "offline"
# What takes the power from everything below it.
POWER_LOST = frozenset({"power_loss", "phase_loss"})
# Silence is noticed by whoever looks next: a device may be found silent long before what made it so.
NOTICED_WITHIN = timedelta(minutes=15)
# Nobody builds deeper; a catalog that goes round in circles ends here.
DEEPEST = 16


@dataclass(frozen=True)
class Trouble:
    """An open order or alarm (`id`) about an equipment; `root_id` is what explains it in its turn."""

    id: UUID
    equipment_id: UUID
    opened_at: datetime
    fault_mode: str | None = None
    root_id: UUID | None = None


def explains(kind: EquipmentKind, *, steps: int, fault_mode: str | None) -> bool:
    """Whether trouble of a `kind` explains `fault_mode` of what hangs `steps` below it.

    A gateway carries words and nothing else: it explains that its own devices are silent. What feeds explains
    whatever is said of what it feeds; people can say otherwise.
    """
    if kind is EquipmentKind.GATEWAY:
        return steps == 1 and fault_mode == SILENCE
    return True


def accounts_for(kind: EquipmentKind, *, cause: str | None, steps: int, fault_mode: str | None) -> bool:
    """Whether an alarm that says `cause` of a `kind` explains by itself what another says of what hangs below.

    Stricter than `explains`: a pump with a worn bearing is no reason for anything yet. Power that is lost explains all,
    silence of a gateway or a supply the silence below it, and nothing else explains anything.
    """
    if not explains(kind, steps=steps, fault_mode=fault_mode):
        return False
    if cause in POWER_LOST:
        return True
    speaks_for_others = kind in (EquipmentKind.GATEWAY, EquipmentKind.POWER_SUPPLY)
    return speaks_for_others and cause == SILENCE and fault_mode == SILENCE


def root_of(above: Iterable[Upstream], troubles: Iterable[Trouble], *, fault_mode: str | None) -> Trouble | None:
    """The trouble that everything else comes from: the furthest up that explains it, of two there the older."""
    by_equipment: dict[UUID, Trouble] = {}
    for trouble in sorted(troubles, key=lambda one: one.opened_at, reverse=True):
        by_equipment[trouble.equipment_id] = trouble
    for one in sorted(above, key=lambda it: it.steps, reverse=True):
        trouble_there = by_equipment.get(one.equipment_id)
        if trouble_there is not None and explains(one.kind, steps=one.steps, fault_mode=fault_mode):
            return trouble_there
    return None


def cause_of(
    above: Iterable[Upstream], troubles: Mapping[UUID, Collection[Trouble]], *, fault_mode: str, onset_at: datetime
) -> Trouble | None:
    """The alarm that accounts for one: the furthest up that does, of two there the older.

    `troubles` are the alarms that last, by equipment. What began long before them has another reason.
    """
    for one in sorted(above, key=lambda it: it.steps, reverse=True):
        fitting = [
            each
            for each in troubles.get(one.equipment_id, ())
            if accounts_for(one.kind, cause=each.fault_mode, steps=one.steps, fault_mode=fault_mode)
            and onset_at >= each.opened_at - NOTICED_WITHIN
        ]
        if fitting:
            return min(fitting, key=lambda each: each.opened_at)
    return None


def explained_by(kind: EquipmentKind, below: Mapping[UUID, int], troubles: Iterable[Trouble]) -> list[Trouble]:
    """Of the troubles of what hangs below an equipment of `kind` (equipment → steps), those that it explains."""
    return [
        one
        for one in troubles
        if one.equipment_id in below and explains(kind, steps=below[one.equipment_id], fault_mode=one.fault_mode)
    ]


def above(equipment_id: UUID, by_id: Mapping[UUID, EquipmentEntry]) -> list[Upstream]:
    """What an equipment hangs on, nearest first."""
    found: list[Upstream] = []
    entry = by_id.get(equipment_id)
    while entry is not None and entry.parent_id is not None and len(found) < DEEPEST:
        entry = by_id.get(entry.parent_id)
        if entry is not None:
            found.append(Upstream(entry.equipment_id, entry.kind, len(found) + 1))
    return found
