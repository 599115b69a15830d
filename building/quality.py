"""How far a value may be trusted, after Haystack's `curStatus`."""

from enum import IntEnum


class Quality(IntEnum):
    """A value is present only when OK or STALE. The numbers are what batches and stores carry."""

    OK = 0
    STALE = 1
    FAULT = 2
    DOWN = 3
    UNKNOWN = 4

    @property
    def has_value(self) -> bool:
        return self <= Quality.STALE
