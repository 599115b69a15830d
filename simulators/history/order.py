"""What somebody asked for in words, as an order the physics can play."""

from collections.abc import Sequence

from simulators.history.play import KINDS, USUAL_COUNTS, HistoryOrder
from simulators.physics.wear import WORKED_WITH, WearPath

MOST_OF_A_KIND = 500
MOST_SAMPLES = 50_000_000


class BadHistoryOrder(ValueError):
    """The message says what was expected."""


def history_order(
    *, begins_s: float, days: float, step_s: float, seed: int, machines: Sequence[str], share_failing: float,
    paths: Sequence[str],
) -> HistoryOrder:  # fmt: skip
    """`machines`: `pumps=12`, …; none: the usual ones. `paths`: none: those that are worked with.

    Raises BadHistoryOrder.
    """
    counts = dict(_count(text) for text in machines) or dict(USUAL_COUNTS)
    if sum(counts.values()) * days * 86_400 / step_s > MOST_SAMPLES:
        raise BadHistoryOrder(
            "too many samples for memory: fewer machines, fewer days, or more minutes between samples"
        )
    return HistoryOrder(
        begins_s=begins_s, days=days, step_s=step_s, seed=seed, counts=counts, share_failing=share_failing,
        paths=tuple(_path(text) for text in paths) or WORKED_WITH,
    )  # fmt: skip


def _count(text: str) -> tuple[str, int]:
    name, _, count = text.partition("=")
    if name not in KINDS or not count.isdigit() or not 0 <= int(count) <= MOST_OF_A_KIND:
        raise BadHistoryOrder(f"--machines {text}: one of {', '.join(KINDS)}, = and 0 … {MOST_OF_A_KIND}")
    return name, int(count)


def _path(text: str) -> WearPath:
    try:
        return WearPath(text)
    except ValueError:
        raise BadHistoryOrder(f"--path {text}: {' | '.join(WearPath)}") from None
