"""What happens next with an order that nobody has: somebody is asked, or it waits to be taken. Pure.

The chain never ends in nobody: best candidate, the next, who is on call, the duty manager.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from ticketing.dispatch.scoring import Ranking, Reason, Scored
from ticketing.order_kind import Distribution

_NEVER = datetime.min.replace(tzinfo=UTC)


class DispatchMode(StrEnum):
    """How somebody came to an order."""

    AUTO = "auto"
    ROTATE = "rotate"
    MANUAL = "manual"
    PLAN = "plan"  # one of many that were planned together
    TAKEN = "taken"  # nobody had been asked: the person helped themselves
    DUTY_MANAGER = "duty_manager"  # the end of the chain


@dataclass(frozen=True)
class Choice:
    """Who is asked and why. `reasons` is kept with the order as the explanation of its dispatch."""

    person_id: UUID
    mode: DispatchMode
    score: int | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Wait:
    """Nobody is asked by name: these may take it (抢单), or customer service gives it to one of them."""

    mode: Distribution
    person_ids: tuple[UUID, ...]


def mode_of(settings: Mapping[str, Any], *, kind: str, shipped: Distribution) -> Distribution:
    """How a site gives out orders of a kind: `dispatch.modes.<kind>` of its settings, else what the kind says."""
    dispatch = settings.get("dispatch")
    modes = dispatch.get("modes") if isinstance(dispatch, Mapping) else None
    chosen = modes.get(kind) if isinstance(modes, Mapping) else None
    # A word nobody knows must not keep an order from being given out.
    return Distribution(chosen) if chosen in list(Distribution) else shipped


def next_step(
    mode: Distribution, ranking: Ranking, *, manager_id: UUID | None, has_waited: bool,
    last_offered: Mapping[UUID, datetime],
) -> Choice | Wait | None:  # fmt: skip
    """Who is asked next. None only where a site has no manager and the company no administrator.

    `ranking` leaves out whoever was asked in this round. `has_waited`: it was open to all and nobody took it, so that
    somebody is asked by name now. `last_offered`: when people were last offered an order, for taking turns.
    """
    best = ranking.best
    if best is None:
        if manager_id is None:
            return None
        return Choice(manager_id, DispatchMode.DUTY_MANAGER, reasons=(Reason("nobody_else", 0),))
    match mode:
        case Distribution.ROTATE:
            return _chosen(_whose_turn(ranking.scored, last_offered), DispatchMode.ROTATE)
        case Distribution.GRAB | Distribution.MANUAL if not has_waited:
            return Wait(mode, tuple(one.bidder.person_id for one in ranking.scored))
        case Distribution.AUTO | Distribution.GRAB | Distribution.MANUAL:
            return _chosen(best, DispatchMode.AUTO)
        case _:
            assert_never(mode)


def _whose_turn(scored: Sequence[Scored], last_offered: Mapping[UUID, datetime]) -> Scored:
    """Of the people on the best one's rung, who was asked longest ago."""
    rung = scored[0].rung
    first, *others = [one for one in scored if one.rung == rung]
    return min([first, *others], key=lambda one: last_offered.get(one.bidder.person_id, _NEVER))


def _chosen(one: Scored, mode: DispatchMode) -> Choice:
    return Choice(one.bidder.person_id, mode, one.score, one.reasons)
