"""Who should do it, pure: a score for each candidate with its reasons, and why the others were left out.

Never somebody unqualified or off shift (the caller passes only people on shift or on call), and never nobody: whoever
calls goes on to the duty manager when `rank` names no one (`modes.next_step`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from uuid import UUID

from ticketing.dispatch.distance import Spot, distance_m
from ticketing.dispatch.needs import CONTRACTOR_DUTY, GENERAL_SKILL, ON_CALL_DUTY, Need

# What a point is worth: qualification decides, closeness comes next, load and fairness settle the rest.
SKILL_POINTS = 100
GENERALIST_POINTS = 40
CERTIFICATE_POINTS = 30
CONTRACTOR_POINTS = 50
AREA_POINTS = 30
CONTINUITY_POINTS = 25
METRES_A_POINT = 50
FURTHEST_POINTS = -20
ENDING_POINTS = -30
ENDING_MIN = 30
OPEN_ORDER_POINTS = -12
RECENT_ORDER_POINTS = -2


class Refusal(StrEnum):
    """Why a candidate was not ranked."""

    NO_SKILL = "no_skill"
    NO_CERTIFICATE = "no_certificate"
    OTHER_DUTY = "other_duty"
    OTHER_SITE = "other_site"
    OTHER_CONTRACTOR = "other_contractor"
    ASKED_BEFORE = "asked_before"


class Rung(IntEnum):
    """In which order people are asked, whatever their points: a lower rung is empty before a higher one is asked."""

    MAINTAINER = 0
    MAINTAINER_ON_CALL = 1
    ON_SHIFT = 2
    ON_CALL = 3


@dataclass(frozen=True)
class Bidder:
    """A person on shift, or on call, at a site now. `building_ids` empty: the whole site is theirs.

    `contractor_id`: the company they work for. `spot`: where they last arrived during this shift. `shift_left_min`:
    minutes until they go home.
    """

    person_id: UUID
    name: str
    duty: str
    skills: frozenset[str]
    certified_skills: frozenset[str]
    building_ids: frozenset[UUID] = frozenset()
    open_orders: int = 0
    recent_orders: int = 0
    site_id: UUID | None = None
    is_contractor: bool = False
    contractor_id: UUID | None = None
    spot: Spot | None = None
    shift_left_min: float | None = None

    @property
    def is_on_call(self) -> bool:
        return self.duty == ON_CALL_DUTY


@dataclass(frozen=True)
class Reason:
    """One part of a score. `count` is what the points were multiplied with, or the metres of a distance."""

    factor: str
    points: int
    count: int = 1


@dataclass(frozen=True)
class Scored:
    bidder: Bidder
    rung: Rung
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first, and the others with what kept them out."""

    scored: tuple[Scored, ...]
    refused: tuple[tuple[Bidder, Refusal], ...]

    @property
    def best(self) -> Scored | None:
        return self.scored[0] if self.scored else None

    def of(self, person_id: UUID) -> Scored | None:
        return next((one for one in self.scored if one.bidder.person_id == person_id), None)

    def refusal_of(self, person_id: UUID) -> Refusal | None:
        return next((why for bidder, why in self.refused if bidder.person_id == person_id), None)


def rank(need: Need, bidders: Iterable[Bidder], *, asked: Collection[UUID] = ()) -> Ranking:
    """Everybody who may do it, best first; ties go by person id, so that the same question has the same answer."""
    scored: list[Scored] = []
    refused: list[tuple[Bidder, Refusal]] = []
    for bidder in bidders:
        refusal = Refusal.ASKED_BEFORE if bidder.person_id in asked else refusal_of(need, bidder)
        if refusal is None:
            scored.append(score(need, bidder))
        else:
            refused.append((bidder, refusal))
    scored.sort(key=lambda one: (one.rung, -one.score, one.bidder.person_id))
    return Ranking(tuple(scored), tuple(refused))


def score(need: Need, bidder: Bidder) -> Scored:
    """What somebody who may do it is worth, and why."""
    return Scored(bidder, rung_of(need, bidder), tuple(_reasons(need, bidder)))


def refusal_of(need: Need, bidder: Bidder) -> Refusal | None:
    """What keeps somebody from ever doing it; None: they may."""
    if need.site_id is not None and bidder.site_id != need.site_id:
        return Refusal.OTHER_SITE
    if not _has_duty(need, bidder):
        return Refusal.OTHER_DUTY
    if bidder.is_contractor and need.contractor_id is not None and bidder.contractor_id != need.contractor_id:
        return Refusal.OTHER_CONTRACTOR
    if need.certified:
        return None if need.skill in bidder.certified_skills else Refusal.NO_CERTIFICATE
    if _is_unskilled(need) or need.skill in bidder.skills or GENERAL_SKILL in bidder.skills:
        return None
    return Refusal.NO_SKILL


def rung_of(need: Need, bidder: Bidder) -> Rung:
    """Special work belongs to the contractor who maintains the equipment, even from home; other work to who is here."""
    if need.certified and need.contractor_id is not None and bidder.contractor_id == need.contractor_id:
        return Rung.MAINTAINER_ON_CALL if bidder.is_on_call else Rung.MAINTAINER
    return Rung.ON_CALL if bidder.is_on_call else Rung.ON_SHIFT


def least_loaded(bidders: Sequence[Bidder]) -> Bidder | None:
    """Of people with the same duty, the one with the least on their hands."""
    return min(bidders, key=lambda one: (one.open_orders, one.recent_orders, one.person_id), default=None)


def distance_points(metres: float) -> int:
    return max(FURTHEST_POINTS, -round(metres / METRES_A_POINT))


def _has_duty(need: Need, bidder: Bidder) -> bool:
    """Who is on call stands in for the engineers, theirs or the contractor's; not for guards and customer service."""
    if bidder.is_on_call:
        return (CONTRACTOR_DUTY if bidder.is_contractor else "engineer") in need.duties
    return bidder.duty in need.duties


def _is_unskilled(need: Need) -> bool:
    """Work that anybody with the duty can do: to look, to answer."""
    return need.skill == GENERAL_SKILL and not need.duties & {CONTRACTOR_DUTY}


def _reasons(need: Need, bidder: Bidder) -> Iterator[Reason]:
    yield from _fitness(need, bidder)
    if need.building_id is not None and need.building_id in bidder.building_ids:
        yield Reason("area", AREA_POINTS)
    if need.fixed_by == bidder.person_id:
        yield Reason("continuity", CONTINUITY_POINTS)
    metres = distance_m(bidder.spot, need.spot)
    if metres is not None:
        yield Reason("distance", distance_points(metres), round(metres))
    if bidder.shift_left_min is not None and bidder.shift_left_min < ENDING_MIN:
        yield Reason("shift_ending", ENDING_POINTS)
    if bidder.open_orders:
        yield Reason("load", OPEN_ORDER_POINTS * bidder.open_orders, bidder.open_orders)
    if bidder.recent_orders:
        yield Reason("fairness", RECENT_ORDER_POINTS * bidder.recent_orders, bidder.recent_orders)
    if bidder.is_on_call:
        yield Reason("on_call", 0)


def _fitness(need: Need, bidder: Bidder) -> Iterator[Reason]:
    if need.skill in bidder.skills or need.skill in bidder.certified_skills:
        yield Reason("skill", SKILL_POINTS)
    else:
        yield Reason("generalist", GENERALIST_POINTS)
    if need.skill in bidder.certified_skills:
        yield Reason("certificate", CERTIFICATE_POINTS)
    if need.contractor_id is not None and bidder.contractor_id == need.contractor_id:
        yield Reason("maintainer", CONTRACTOR_POINTS)
    elif need.certified and bidder.is_contractor:
        yield Reason("contractor", CONTRACTOR_POINTS)
