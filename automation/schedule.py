"""When a webhook is tried again, and for how long. Pure."""

from enum import StrEnum

# 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, 8 h, 8 h: eleven attempts within a day.
WAITS_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
MOST_ATTEMPTS = len(WAITS_S) + 1


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


ENDED = frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED})

# Trying again would not help, nor ever: the address itself is not to be called.
_FOR_GOOD = frozenset({"metadata", "private", "not_encrypted", "disabled", "gone"})


def wait_s(*, attempts: int, jitter: float) -> float | None:
    """Seconds until the next attempt, after `attempts` that failed; None after the last. `jitter` in [0, 1)."""
    if attempts > len(WAITS_S):
        return None
    return WAITS_S[attempts - 1] * (1 - jitter / 10)


def is_final(error: str) -> bool:
    return error in _FOR_GOOD
