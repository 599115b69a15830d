"""How far it is from where somebody last worked to where they are wanted. Pure."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from uuid import UUID

EARTH_RADIUS_M = 6_371_000.0
# Buildings of one site whose coordinates nobody entered: as far from each other as buildings of a site usually are.
SAME_SITE_M = 200.0


@dataclass(frozen=True)
class Spot:
    """A building, with its coordinates in degrees (WGS 84) where somebody entered them."""

    building_id: UUID
    latitude: float | None = None
    longitude: float | None = None


def distance_m(here: Spot | None, there: Spot | None) -> float | None:
    """Metres as the crow flies between two buildings of a site; None where one of them is not known."""
    if here is None or there is None:
        return None
    if here.building_id == there.building_id:
        return 0.0
    if here.latitude is None or here.longitude is None or there.latitude is None or there.longitude is None:
        return SAME_SITE_M
    return _great_circle_m(here.latitude, here.longitude, there.latitude, there.longitude)


def _great_circle_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Haversine: exact enough at any distance, and at the small ones here."""
    a, b = radians(lat_a), radians(lat_b)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))
