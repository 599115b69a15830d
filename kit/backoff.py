"""How long to wait before trying again: doubling, bounded, with jitter so that many do not retry in step."""

import random


class Backoff:
    """`next_s()` after each failure, `reset()` after a success."""

    def __init__(self, *, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """In a row, so far."""
        return self._failures

    def next_s(self) -> float:
        """Counts a failure; between half and all of the doubled wait."""
        wait_s = min(self._longest_s, self._first_s * 2 ** min(self._failures, 32))
        self._failures += 1
        return float(wait_s * (0.5 + random.random() / 2))  # noqa: S311 - spreads retries, guards nothing

    def reset(self) -> bool:
        """Whether there had been failures."""
        had_failed, self._failures = self._failures > 0, 0
        return had_failed
