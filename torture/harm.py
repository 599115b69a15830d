"""What keeps a hub from writing for a while, and what it did about that."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from torture.disk import DiskError, failing_disk
from torture.layouts import Layout
from torture.processes import family

EVERYTHING = "all"
# Whoever acknowledges devices: where one of these cannot write, no device may hear that it can.
ACKNOWLEDGERS = (EVERYTHING, "nats", "mqtt broker")


@dataclass(frozen=True)
class Harm:
    """`on` harms while its block lasts. `is_silencing`: nothing may be acknowledged to devices meanwhile."""

    name: str
    on: Callable[[Layout], AbstractAsyncContextManager[None]]
    is_silencing: bool


@dataclass(frozen=True)
class Suffered:
    """A harm that is over. `acknowledged` counts the messages acknowledged in its last seconds."""

    harm: Harm
    began_ms: int
    acknowledged: int


def disk_error(target: str, error: DiskError) -> Harm:
    """Every write to a file fails with that error: of one target of the layout, or of `EVERYTHING`."""

    def pids(layout: Layout) -> Iterable[int]:
        if target == EVERYTHING:
            return list(layout.processes())
        pid = layout.targets[target]()
        if pid is None:
            return []
        return list(family(pid)) if target == "postgres" else [pid]

    return Harm(f"{target} {error}", lambda layout: failing_disk(lambda: pids(layout), error), target in ACKNOWLEDGERS)
