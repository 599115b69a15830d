"""What becomes of a notification after an attempt. Pure: outcome, urgency and attempts in, next state out."""

from dataclasses import dataclass

from connectors.errors import AmbiguousOutcome, ConnectorError, TemporaryFailure
from notify.policy import State, Urgency

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 600.0
# The less time there is, the sooner another channel is tried.
MOST_ATTEMPTS = {Urgency.ORDINARY: 10, Urgency.URGENT: 5, Urgency.LIFE_SAFETY: 3}


@dataclass(frozen=True)
class Verdict:
    """`wait_s` is set when it is queued again; `falls_through`: the next channel gets its turn."""

    state: State
    wait_s: float | None = None
    falls_through: bool = False


def after_success() -> Verdict:
    return Verdict(State.SENT)


def after_failure(error: ConnectorError, *, urgency: Urgency, attempts: int, jitter: float) -> Verdict:
    """`attempts` counts the one that failed; `jitter` in [0, 1) spreads those who failed together.

    Silence is repeated for life safety only: better told twice than not at all.
    """
    may_repeat = attempts < MOST_ATTEMPTS[urgency]
    again = Verdict(State.QUEUED, wait_s=_wait_s(error, attempts=attempts, jitter=jitter))
    if isinstance(error, TemporaryFailure):
        return again if may_repeat else Verdict(State.FAILED, falls_through=True)
    if isinstance(error, AmbiguousOutcome):
        if urgency is not Urgency.LIFE_SAFETY:
            return Verdict(State.UNKNOWN)
        return again if may_repeat else Verdict(State.UNKNOWN, falls_through=True)
    return Verdict(State.FAILED, falls_through=True)


def _wait_s(error: ConnectorError, *, attempts: int, jitter: float) -> float:
    least_s = error.retry_after_s if isinstance(error, TemporaryFailure) else 0.0
    doubled_s: float = min(FIRST_WAIT_S * 2.0 ** (attempts - 1), LONGEST_WAIT_S)
    return max(least_s, doubled_s) * (1 + jitter / 2)
