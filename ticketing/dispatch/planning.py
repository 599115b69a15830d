"""Many orders at once, pure: the plan that gives all of them out together, by the scores one order alone would get.

Each order goes to somebody who may do it, on the best rung there is; within that, the points of all orders together
are what is made large, load counted anew for each order that somebody gets. Greedy first, the most urgent order first;
then each order may go over to where it is worth more, until none wants to or `SWEEPS` are over. Each such step raises
the total, so the outcome is never worse than the greedy one. Numbers are whole, and ties go by person id: the same
question has the same answer, whichever way its rows stood.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ticketing.dispatch.distance import distance_m
from ticketing.dispatch.needs import Need
from ticketing.dispatch.scoring import (
    AREA_POINTS,
    CONTINUITY_POINTS,
    OPEN_ORDER_POINTS,
    Bidder,
    Reason,
    Rung,
    distance_points,
    refusal_of,
    score,
)

SWEEPS = 5
# Whoever has an order keeps it unless somebody is clearly better: a plan is no reason to turn everything round.
KEEPING_POINTS = 10
# A rung outweighs any points; what may not be stays below anything that may.
_RUNG = np.int32(1_000_000)
_NEVER = np.int32(-100_000_000)
_POSSIBLE = np.int32(-50_000_000)

Ints = npt.NDArray[np.int32]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class OpenOrder:
    """An order nobody has begun. `asked`: who declined it or did not answer. `holder_id`: whom it is offered to now."""

    id: UUID
    need: Need
    priority: int
    due_at: datetime
    holder_id: UUID | None = None
    asked: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Placement:
    """Who an order goes to, and why; nobody (`person_id` None) where no one may do it: the duty manager's then."""

    order_id: UUID
    person_id: UUID | None
    score: int = 0
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Planned:
    """`placements` in the order of the questions; `points` of all of them together."""

    placements: Sequence[Placement]
    points: int = 0
    sweeps: int = 0


@dataclass
class _Board:
    """`worth[order, person]` without load; `load[person]` orders in hand; `place[order]` the person, -1: nobody."""

    worth: Ints
    load: Ints
    place: Ints


def plan(orders: Sequence[OpenOrder], bidders: Sequence[Bidder]) -> Planned:
    """Who gets which order. `open_orders` of a bidder are those that the plan leaves alone."""
    people = sorted(bidders, key=lambda one: (one.person_id, one.duty))
    if not orders or not people:
        return Planned([Placement(order.id, None) for order in orders])
    board = _Board(
        worth=_worth(orders, people),
        load=np.array([one.open_orders for one in people], dtype=np.int32),
        place=np.full(len(orders), -1, dtype=np.int32),
    )
    turn = sorted(range(len(orders)), key=lambda at: (orders[at].priority, orders[at].due_at, orders[at].id))
    can = np.asarray(board.worth.max(axis=1) > _POSSIBLE)
    possible = [at for at in turn if can[at]]
    for at in possible:
        _settle(board, at)
    sweeps = 0
    while sweeps < SWEEPS and _improve(board, possible):
        sweeps += 1
    return _told(orders, people, board, sweeps)


def _settle(board: _Board, at: int) -> None:
    """Gives an order that nobody has to whom it is worth most with."""
    person = int(np.argmax(board.worth[at] + OPEN_ORDER_POINTS * board.load))
    board.place[at] = person
    board.load[person] += 1


def _improve(board: _Board, possible: Iterable[int]) -> bool:
    """Lets each order go over to where it is worth more; whether any did."""
    moved = False
    load, place = board.load, board.place
    charge = OPEN_ORDER_POINTS * load
    for at in possible:
        here = place[at]
        charge[here] -= OPEN_ORDER_POINTS
        there = int(np.argmax(values := board.worth[at] + charge))
        if values[there] > values[here]:
            place[at], moved = there, True
            load[here] -= 1
            load[there] += 1
            here = there
        charge[here] += OPEN_ORDER_POINTS
    return moved


def _worth(orders: Sequence[OpenOrder], people: Sequence[Bidder]) -> Ints:
    """Points without load of each order with each person, shape (orders, people); `_NEVER` where it may not be."""
    # Few classes of needs and few buildings make up any number of orders: each is scored once with each person.
    classes, class_of = _grouped(_class(order.need) for order in orders)
    spots, spot_of = _grouped(order.need.spot for order in orders)
    idle = [replace(one, open_orders=0, building_ids=frozenset(), spot=None) for one in people]
    by_class = np.array([[_points(need, one) for one in idle] for need in classes], dtype=np.int32)
    by_spot = np.zeros((len(spots), len(people)), dtype=np.int32)
    for row, spot in zip(by_spot, spots, strict=True):
        if spot is not None:
            row[:] = [_closeness(spot.building_id in one.building_ids, distance_m(one.spot, spot)) for one in people]
    worth: Ints = by_class[class_of] + by_spot[spot_of]
    columns: dict[UUID, list[int]] = {}
    for at, one in enumerate(people):
        columns.setdefault(one.person_id, []).append(at)
    for row, order in zip(worth, orders, strict=True):
        _personal(row, order, columns)
    return worth


def _personal(row: Ints, order: OpenOrder, columns: Mapping[UUID, list[int]]) -> None:
    """What an order has to do with single people: who mended it last, who has it, who was asked."""
    for person_id, points in ((order.need.fixed_by, CONTINUITY_POINTS), (order.holder_id, KEEPING_POINTS)):
        if person_id is not None:
            row[columns.get(person_id, [])] += np.int32(points)
    for person_id in order.asked:
        row[columns.get(person_id, [])] = _NEVER


def _points(need: Need, bidder: Bidder) -> int:
    if refusal_of(need, bidder) is not None:
        return int(_NEVER)
    found = score(need, bidder)
    return found.score + int(_RUNG) * (Rung.ON_CALL - found.rung)


def _closeness(is_area: bool, metres: float | None) -> int:
    return AREA_POINTS * is_area + (0 if metres is None else distance_points(metres))


def _class(need: Need) -> Need:
    """The need without what belongs to one order or one building."""
    return replace(need, fixed_by=None, spot=None)


def _grouped(keys: Iterable[Key]) -> tuple[list[Key], npt.NDArray[np.intp]]:
    """Different keys, and which of them each stands at."""
    known: dict[Key, int] = {}
    at = [known.setdefault(key, len(known)) for key in keys]
    return list(known), np.array(at, dtype=np.intp)


def _told(orders: Sequence[OpenOrder], people: Sequence[Bidder], board: _Board, sweeps: int) -> Planned:
    placements: list[Placement] = []
    points = _load_points(people, board)
    for order, at in zip(orders, board.place.tolist(), strict=True):
        if at < 0:
            placements.append(Placement(order.id, None))
            continue
        # What they have besides this one: the same load that the scorer would see.
        bidder = replace(people[at], open_orders=int(board.load[at]) - 1)
        keeps = (Reason("keeps", KEEPING_POINTS),) if order.holder_id == bidder.person_id else ()
        reasons = (*score(order.need, bidder).reasons, *keeps)
        placements.append(Placement(order.id, bidder.person_id, sum(one.points for one in reasons), reasons))
        points += sum(one.points for one in reasons if one.factor != "load")
    return Planned(placements, points, sweeps)


def _load_points(people: Sequence[Bidder], board: _Board) -> int:
    """What load costs in all: each order as much as its person had before it (0 + 1 + 2 …)."""
    before = np.array([one.open_orders for one in people], dtype=np.int64)
    after = board.load.astype(np.int64)
    return OPEN_ORDER_POINTS * int(((after * (after - 1) - before * (before - 1)) // 2).sum())
