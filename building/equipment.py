"""Kinds of physical things. A kind decides icons, default rules and who is qualified; a profile decides the points."""

from enum import StrEnum


class EquipmentKind(StrEnum):
    ELEVATOR = "elevator"
    ESCALATOR = "escalator"
    PUMP = "pump"
    SMOKE_DETECTOR = "smoke_detector"
    HEAT_DETECTOR = "heat_detector"
    GAS_DETECTOR = "gas_detector"
    FIRE_PANEL = "fire_panel"
    ELECTRICITY_METER = "electricity_meter"
    WATER_METER = "water_meter"
    GAS_METER = "gas_meter"
    HEAT_METER = "heat_meter"
    AHU = "ahu"
    CHILLER = "chiller"
    FAN = "fan"
    VALVE = "valve"
    TANK = "tank"
    RISER = "riser"
    POWER_SUPPLY = "power_supply"
    GATEWAY = "gateway"
    CAMERA = "camera"
    DOOR = "door"
    SENSOR = "sensor"
    OTHER = "other"
