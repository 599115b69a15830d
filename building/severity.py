"""How bad an alarm is. Order matters: the first is the worst."""

from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)
