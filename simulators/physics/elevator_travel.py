"""How long a car is under way: a trapezoid of speed (a triangle on short trips), without jerk."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ElevatorSpec:
    """An elevator as built. Floors count from 1, the lowest; the door zone is ± `door_zone_m` around a landing."""

    floors: int = 24
    floor_height_m: float = 3.0
    rated_speed_m_s: float = 1.75
    acceleration_m_s2: float = 0.8
    door_zone_m: float = 0.2
    open_s: float = 2.2
    dwell_s: float = 4.0
    close_s: float = 2.8

    def height_m(self, floor: int) -> float:
        return (floor - 1) * self.floor_height_m

    def nearest_floor(self, position_m: float) -> int:
        return min(self.floors, max(1, 1 + round(position_m / self.floor_height_m)))

    def in_door_zone(self, position_m: float) -> bool:
        return abs(position_m - self.height_m(self.nearest_floor(position_m))) <= self.door_zone_m


@dataclass(frozen=True, slots=True)
class Travel:
    """One run of the car from rest to rest. Positions in metres above the lowest landing."""

    start_m: float
    target_m: float
    spec: ElevatorSpec

    @property
    def distance_m(self) -> float:
        return abs(self.target_m - self.start_m)

    @property
    def upward(self) -> bool:
        return self.target_m > self.start_m

    @property
    def _ramp_s(self) -> float:
        """Seconds of acceleration; as many of braking."""
        full = self.spec.rated_speed_m_s / self.spec.acceleration_m_s2
        return min(full, math.sqrt(self.distance_m / self.spec.acceleration_m_s2))

    @property
    def duration_s(self) -> float:
        ramp_m = self.spec.acceleration_m_s2 * self._ramp_s**2
        return 2 * self._ramp_s + (self.distance_m - ramp_m) / self.spec.rated_speed_m_s

    def position_m(self, elapsed_s: float) -> float:
        way_m = min(self.distance_m, self._way_m(min(max(elapsed_s, 0.0), self.duration_s)))
        return self.start_m + way_m if self.upward else self.start_m - way_m

    def _way_m(self, elapsed_s: float) -> float:
        half = self.duration_s / 2
        if elapsed_s > half:  # braking mirrors accelerating
            return self.distance_m - self._way_m(self.duration_s - elapsed_s)
        ramp_s, acceleration = self._ramp_s, self.spec.acceleration_m_s2
        if elapsed_s <= ramp_s:
            return 0.5 * acceleration * elapsed_s**2
        return 0.5 * acceleration * ramp_s**2 + acceleration * ramp_s * (elapsed_s - ramp_s)
