"""What work may be about, in the words of warranties, and how long the law makes developers warrant for it. Pure."""

from datetime import date

from building.equipment import EquipmentKind
from ticketing.charging.payer import CoveredPart
from ticketing.kinds import Category

# Before anybody looked. A leak may be a pipe or a membrane: both are asked after.
_BY_CATEGORY: dict[Category, frozenset[CoveredPart]] = {
    Category.ELEVATOR: frozenset({CoveredPart.ELEVATOR}),
    Category.WATER_LEAK: frozenset({CoveredPart.WATERPROOFING, CoveredPart.PLUMBING}),
    Category.NO_WATER: frozenset({CoveredPart.PLUMBING}),
    Category.DRAINAGE: frozenset({CoveredPart.PLUMBING}),
    Category.POWER: frozenset({CoveredPart.ELECTRICAL}),
    Category.LIGHTING: frozenset({CoveredPart.ELECTRICAL}),
    Category.DOOR_LOCK: frozenset({CoveredPart.DECORATION}),
    Category.FIRE: frozenset({CoveredPart.FIRE_SYSTEM}),
    Category.INTERCOM: frozenset({CoveredPart.LOW_VOLTAGE}),
    Category.HVAC: frozenset({CoveredPart.HEATING_COOLING}),
}
_BY_EQUIPMENT: dict[EquipmentKind, CoveredPart] = {
    EquipmentKind.ELEVATOR: CoveredPart.ELEVATOR,
    EquipmentKind.ESCALATOR: CoveredPart.ELEVATOR,
    EquipmentKind.SMOKE_DETECTOR: CoveredPart.FIRE_SYSTEM,
    EquipmentKind.HEAT_DETECTOR: CoveredPart.FIRE_SYSTEM,
    EquipmentKind.FIRE_PANEL: CoveredPart.FIRE_SYSTEM,
    EquipmentKind.PUMP: CoveredPart.PLUMBING,
    EquipmentKind.TANK: CoveredPart.PLUMBING,
    EquipmentKind.RISER: CoveredPart.PLUMBING,
    EquipmentKind.VALVE: CoveredPart.PLUMBING,
    EquipmentKind.AHU: CoveredPart.HEATING_COOLING,
    EquipmentKind.CHILLER: CoveredPart.HEATING_COOLING,
    EquipmentKind.FAN: CoveredPart.HEATING_COOLING,
    EquipmentKind.POWER_SUPPLY: CoveredPart.ELECTRICAL,
    EquipmentKind.DOOR: CoveredPart.LOW_VOLTAGE,
    EquipmentKind.CAMERA: CoveredPart.LOW_VOLTAGE,
}

# 建设工程质量管理条例 (State Council decree 279), article 40: shortest terms, in years from the acceptance. Heating and
# cooling: two heating and cooling seasons. Structure: the design life, which for dwellings is 50 years (GB 50068).
STATUTORY_YEARS: dict[CoveredPart, int] = {
    CoveredPart.STRUCTURE: 50,
    CoveredPart.WATERPROOFING: 5,
    CoveredPart.HEATING_COOLING: 2,
    CoveredPart.ELECTRICAL: 2,
    CoveredPart.PLUMBING: 2,
    CoveredPart.DECORATION: 2,
}
# What is only asked about or complained of is no work that somebody pays for.
_NO_WORK = frozenset({Category.INQUIRY, Category.COMPLAINT, Category.SUGGESTION})


def parts_of(*, category: Category, equipment_kind: EquipmentKind | None) -> frozenset[CoveredPart]:
    """What it may be about: the equipment says it better than the category."""
    if equipment_kind in _BY_EQUIPMENT:
        return frozenset({_BY_EQUIPMENT[equipment_kind]})
    return _BY_CATEGORY.get(category, frozenset({CoveredPart.OTHER}))


def is_work(category: Category) -> bool:
    return category not in _NO_WORK


def last_day(accepted_on: date, *, years: int) -> date:
    """The last day of a term of so many years: accepted on 1 June 2021, five years end on 31 May 2026."""
    try:
        anniversary = accepted_on.replace(year=accepted_on.year + years)
    except ValueError:  # 29 February
        return accepted_on.replace(year=accepted_on.year + years, day=28)
    return date.fromordinal(anniversary.toordinal() - 1)
