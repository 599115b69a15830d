"""Closed sets about people."""

from enum import StrEnum


class PersonKind(StrEnum):
    STAFF = "staff"
    OWNER = "owner"  # who lives or owns here, tenants and family included
    CONTRACTOR = "contractor"


class Skill(StrEnum):
    ELEVATOR = "elevator"
    PUMP = "pump"
    ELECTRICAL = "electrical"
    PLUMBING = "plumbing"
    FIRE = "fire"
    GENERAL = "general"


class Duty(StrEnum):
    """What somebody is there for during a shift."""

    ENGINEER = "engineer"
    CONTROL_ROOM = "control_room"
    GUARD = "guard"
    DISPATCHER = "dispatcher"
    MANAGER = "manager"
    CONTRACTOR = "contractor"
    ON_CALL = "on_call"  # at home with the telephone: asked when nobody on shift can do it


class Relation(StrEnum):
    """What somebody is to a home."""

    OWNER = "owner"
    FAMILY = "family"
    TENANT = "tenant"
