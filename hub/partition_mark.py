"""How far one line (ordinary or life safety) of one partition was judged, and under which lease."""

from collections.abc import Sequence
from dataclasses import dataclass

from alarms.detection import Detection
from bus.delivery import Delivery

# The clocks of the bus and of this hub differ by less.
SAME_CLOCK_MS = 60_000


@dataclass(frozen=True)
class Reached:
    """The sequence of the last delivery judged, and a time at which the bus had taken it and none after it."""

    sequence: int = 0
    at_ms: int = 0

    def includes(self, delivery: Delivery) -> bool:
        """Sequences begin anew when the bus lost its files; a small one that came later is new all the same."""
        return delivery.sequence <= self.sequence and delivery.arrived_ms <= self.at_ms + SAME_CLOCK_MS


class PartitionMark:
    """`reached` is how far its line was judged, `written` the sequence last recorded in the database."""

    def __init__(self, *, partition: int, epoch: int, life_safety: bool) -> None:
        self.partition = partition
        self.epoch = epoch
        self.life_safety = life_safety
        self.reached = Reached()
        self.written = 0
        self._delivered = 0

    def misses_some(self, deliveries: Sequence[Delivery]) -> bool:
        """Whether the durable consumer gave out something before these that never came (a connection that broke).

        It would come again only after what follows it; judged then, it could be too late to count. The consumer counts
        what it gives out from 1 on; it is made anew for each owner.
        """
        missing = False
        for delivery in deliveries:
            number = delivery.number
            missing |= number > self._delivered + 1
            self._delivered = number
        return missing


# What was found in a partition.
Finding = tuple[PartitionMark, Sequence[Detection]]
