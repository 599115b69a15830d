"""The closed sets of the stock room. Their words are in `locales/`."""

from enum import StrEnum


class MovementKind(StrEnum):
    """What happened to a part. The first two are entered by the storekeeper, the others come from an order."""

    RECEIVE = "receive"
    ADJUST = "adjust"
    RESERVE = "reserve"
    RELEASE = "release"
    USE = "use"
    RETURN = "return"
