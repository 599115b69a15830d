"""Which trouble explains which, pure: power → pump → riser, gateway → its devices.

The catalog says what hangs on what (an equipment's parent). One order is the root; everything it explains is linked
right under it, so that there are no chains to climb.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from building.equipment import EquipmentKind
from catalog.views import Upstream

# What a device that is not heard is said to have (`alarms.handlers`, rules for missing data).
SILENCE = "offline"


@dataclass(frozen=True)
class Trouble:
    """An open order about an equipment."""

    work_order_id: UUID
    equipment_id: UUID
    opened_at: datetime
    fault_mode: str | None = None


def explains(kind: EquipmentKind, *, steps: int, fault_mode: str | None) -> bool:
    """Whether trouble of a `kind` explains `fault_mode` of what hangs `steps` below it.

    A gateway carries words and nothing else: it explains that its own devices are silent. What feeds explains
    whatever is said of what it feeds; people can say otherwise.
    """
    if kind is EquipmentKind.GATEWAY:
        return steps == 1 and fault_mode == SILENCE
    return True


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


def explained_by(kind: EquipmentKind, below: Mapping[UUID, int], troubles: Iterable[Trouble]) -> list[Trouble]:
    """Of the troubles of what hangs below an equipment of `kind` (equipment → steps), those that it explains."""
    return [
        one
        for one in troubles
        if one.equipment_id in below and explains(kind, steps=below[one.equipment_id], fault_mode=one.fault_mode)
    ]
