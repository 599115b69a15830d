"""How long readings wait for company on their way to the bus, by what is measured. Pure."""

import math
from dataclasses import dataclass


@dataclass
class Linger:
    """Longer as more comes: a bus message costs the same for one reading as for five hundred.

    A batch waits `seconds_a_reading_per_s` times the rate: at 40,000 readings a second (ten thousand messages) 10 ms,
    never longer than `longest_s`; where it would be less than `shortest_s`, not at all. `enough` readings wait for
    nobody. The rate is an average over about `memory_s`.

    At a thousand messages a second over eight partitions nobody waits. Letting them gather, 2 ms here and 1 ms before
    the judge (`hub/pace.py`), took 0.49 instead of 0.80 CPU-seconds a second, two messages going in one write, and
    9.2 instead of 5.0 ms to half of the alarms: there is CPU to spare then.
    """

    seconds_a_reading_per_s: float = 0.25e-6
    shortest_s: float = 0.0015
    longest_s: float = 0.040
    memory_s: float = 0.25
    enough: int = 4_000
    rate_per_s: float = 0.0
    flushed_at: float = float("-inf")

    def wait_s(self, now: float) -> float:
        """How long a batch that begins now may wait; 0 for not at all."""
        faded = self.rate_per_s * math.exp(-max(0.0, now - self.flushed_at) / self.memory_s)
        wait_s = min(self.longest_s, faded * self.seconds_a_reading_per_s)
        return wait_s if wait_s >= self.shortest_s else 0.0

    def flushed(self, now: float, *, readings: int) -> None:
        """A batch of so many readings was sent at `now`."""
        passed_s = max(1e-6, now - self.flushed_at)
        kept = math.exp(-passed_s / self.memory_s)
        self.rate_per_s = self.rate_per_s * kept + readings / passed_s * (1 - kept)
        self.flushed_at = now
