"""What a point is and how it reports."""

from dataclasses import dataclass
from enum import StrEnum


class PointKind(StrEnum):
    """Brick's kinds of points."""

    SENSOR = "sensor"
    SETPOINT = "setpoint"
    COMMAND = "command"
    STATUS = "status"
    ALARM = "alarm"
    PARAMETER = "parameter"


class ReportingMode(StrEnum):
    PERIODIC = "periodic"
    ON_CHANGE = "on_change"


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a point reports, so that a gap is a gap for the one and steadiness for the other.

    `interval_s`: expected seconds between readings of a PERIODIC point; for an ON_CHANGE point the longest time its
    last value holds.
    """

    mode: ReportingMode
    interval_s: float
