"""What an order asks of a person, as tables. Pure."""

from dataclasses import dataclass
from uuid import UUID

from building.equipment import EquipmentKind
from ticketing.dispatch.distance import Spot
from ticketing.kinds import Category, Procedure

GENERAL_SKILL = "general"
CONTRACTOR_DUTY = "contractor"
ON_CALL_DUTY = "on_call"
ENGINEERS = frozenset({"engineer", CONTRACTOR_DUTY})


@dataclass(frozen=True)
class Need:
    """What an order asks of a person.

    `site_id`: only people on shift there. `certified`: the skill counts only with a valid certificate. `duties`: who
    does this kind of work at all. `contractor_id`: whose contract covers the equipment today. `fixed_by`: who repaired
    it last. `spot`: the building where the work is.
    """

    skill: str
    certified: bool = False
    duties: frozenset[str] = ENGINEERS
    site_id: UUID | None = None
    contractor_id: UUID | None = None
    fixed_by: UUID | None = None
    spot: Spot | None = None

    @property
    def building_id(self) -> UUID | None:
        return self.spot.building_id if self.spot else None


SKILL_BY_EQUIPMENT = {
    EquipmentKind.ELEVATOR: "elevator",
    EquipmentKind.ESCALATOR: "elevator",
    EquipmentKind.PUMP: "pump",
    EquipmentKind.TANK: "pump",
    EquipmentKind.RISER: "plumbing",
    EquipmentKind.VALVE: "plumbing",
    EquipmentKind.WATER_METER: "plumbing",
    EquipmentKind.ELECTRICITY_METER: "electrical",
    EquipmentKind.POWER_SUPPLY: "electrical",
    EquipmentKind.FAN: "electrical",
    EquipmentKind.AHU: "electrical",
    EquipmentKind.CHILLER: "electrical",
    EquipmentKind.SMOKE_DETECTOR: "fire",
    EquipmentKind.HEAT_DETECTOR: "fire",
    EquipmentKind.GAS_DETECTOR: "fire",
    EquipmentKind.FIRE_PANEL: "fire",
}
_SKILL_BY_CATEGORY = {
    Category.ELEVATOR: "elevator",
    Category.WATER_LEAK: "plumbing",
    Category.NO_WATER: "pump",
    Category.DRAINAGE: "plumbing",
    Category.POWER: "electrical",
    Category.LIGHTING: "electrical",
    Category.HVAC: "electrical",
    Category.INTERCOM: "electrical",
    Category.METER: "plumbing",
    Category.FIRE: "fire",
}
# Repair of these is special work by law: only with a valid certificate, which property staff rarely hold.
CERTIFIED = frozenset({"elevator", "fire"})


def need_of(*, procedure: Procedure, category: Category, equipment_kind: EquipmentKind | None) -> Need:
    """What an order of this procedure asks of its assignee, wherever it is."""
    if procedure is Procedure.SMOKE:
        # Somebody must look at once: the nearest guard, not the certified repairer of detectors.
        return Need(GENERAL_SKILL, duties=frozenset({"guard", "engineer"}))
    if procedure is Procedure.FEEDBACK:
        return Need(GENERAL_SKILL, duties=frozenset({"dispatcher"}))
    by_equipment = SKILL_BY_EQUIPMENT.get(equipment_kind) if equipment_kind else None
    skill = by_equipment or _SKILL_BY_CATEGORY.get(category, GENERAL_SKILL)
    return Need(skill, certified=skill in CERTIFIED)


def equipment_kinds(skill: str) -> frozenset[EquipmentKind]:
    """What somebody with the skill repairs."""
    return frozenset(kind for kind, needed in SKILL_BY_EQUIPMENT.items() if needed == skill)
