"""Who on an endpoint is asked next, pure.

Units of one endpoint share its socket and are asked one after another. So that a silent or slow unit never delays the
others, it is asked in the pauses that the quick ones leave; if they leave none, slow units together get a quarter of
the line's time. A unit that has not answered yet counts as slow.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

# What takes longer than this is not quick.
QUICK_S = 0.25
SLOW_SHARE = 0.25


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


def choose(units: Iterable[U], *, now: float, slow_from: float) -> U | None:
    """The unit to ask now, or None when nobody should be asked yet.

    `slow_from`: when slow units may next be asked without a pause (`slow_from_after` their last poll).
    """
    quick: U | None = None
    slow: U | None = None
    for unit in units:
        if unit.cost_s <= QUICK_S:
            quick = unit if quick is None or unit.due_at < quick.due_at else quick
        else:
            slow = unit if slow is None or unit.due_at < slow.due_at else slow
    if slow is not None and slow.due_at <= now and (now >= slow_from or _has_pause(quick, now, slow.cost_s)):
        return slow
    return quick if quick is not None and quick.due_at <= now else None


def slow_from_after(*, now: float, took_s: float) -> float:
    """When the line owes slow units their share again, after one of them took `took_s` of it."""
    return now + took_s * (1 / SLOW_SHARE - 1)


def _has_pause(quick: Asked | None, now: float, needed_s: float) -> bool:
    return quick is None or quick.due_at - now >= needed_s
