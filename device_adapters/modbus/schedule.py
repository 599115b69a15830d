"""Who on an endpoint is asked next, pure.

Units of one endpoint share its socket and are asked one after another. So that a silent or slow unit never delays the
others, it is asked in the pauses that the quick ones leave; if they leave none, once a patience, and never twice
running while a quick one waits. A unit that has not answered yet counts as slow.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

# What takes longer than this is not quick.
QUICK_S = 0.25
PATIENCE_S = 2.0


class Asked(Protocol):
    @property
    def due_at(self) -> float:
        """When it is to be asked, by the monotonic clock."""
        ...

    @property
    def cost_s(self) -> float:
        """How long asking it probably takes."""
        ...


U = TypeVar("U", bound=Asked)


def choose(units: Iterable[U], *, now: float, last_was_slow: bool) -> U | None:
    """The unit to ask now, or None when nobody should be asked yet."""
    quick: U | None = None
    slow: U | None = None
    for unit in units:
        if unit.cost_s <= QUICK_S:
            quick = unit if quick is None or unit.due_at < quick.due_at else quick
        else:
            slow = unit if slow is None or unit.due_at < slow.due_at else slow
    quick_is_due = quick is not None and quick.due_at <= now
    if slow is None or slow.due_at > now:
        return quick if quick_is_due else None
    if quick is None or (not quick_is_due and quick.due_at - now >= slow.cost_s):
        return slow
    if now - slow.due_at >= PATIENCE_S and not (quick_is_due and last_was_slow):
        return slow
    return quick if quick_is_due else None
