"""Kinds of places inside a site."""

from enum import StrEnum


class SpaceKind(StrEnum):
    UNIT = "unit"
    FLOOR = "floor"
    ROOM = "room"  # a home, or a shop: what an owner owns
    PLANT_ROOM = "plant_room"
    PUBLIC = "public"  # lobby, corridor, car park, garden
