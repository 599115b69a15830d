"""Finds the person for an order or a task, out of who is on shift now, and remembers why."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from kit.clock import Clock
from kit.logs import logger
from people.errors import NobodyResponsible
from people.service import PeopleService
from people.views import Candidate
from ticketing import repository
from ticketing.dispatch import Bidder, Need, Ranking, Reason, least_loaded, need_of, rank
from ticketing.kinds import Category, Procedure
from ticketing.models import DispatchOffer, WorkOrder

log = logger(__name__)

# Fairness looks back a week: long enough to even out, short enough that holidays do not count for ever.
FAIRNESS_WINDOW = timedelta(days=7)


class DispatchMode(StrEnum):
    AUTO = "auto"
    MANUAL = "manual"
    TAKEN = "taken"  # nobody had been asked: the person helped themselves
    DUTY_MANAGER = "duty_manager"  # the end of the chain


class OfferOutcome(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Choice:
    """Who is asked and why. `reasons` is kept with the order as the explanation of its dispatch."""

    person_id: UUID
    mode: DispatchMode
    score: int | None = None
    reasons: tuple[Reason, ...] = ()


class Dispatching:
    def __init__(self, people: PeopleService, clock: Clock) -> None:
        self._people = people
        self._clock = clock

    async def choose(self, session: AsyncSession, order: WorkOrder) -> Choice | None:
        """The best candidate not asked in this round, else the duty manager; None where a site has not even that."""
        best = (await self.ranking(session, order)).best
        if best is not None:
            return Choice(best.bidder.person_id, DispatchMode.AUTO, best.score, best.reasons)
        manager_id = await self.duty_manager(session, order.site_id)
        if manager_id is None:
            return None
        return Choice(manager_id, DispatchMode.DUTY_MANAGER, reasons=(Reason("nobody_else", 0),))

    async def ranking(
        self, session: AsyncSession, order: WorkOrder, *, asked: Collection[UUID] | None = None
    ) -> Ranking:
        """Everybody on shift at the order's site, best first, with the reasons; for choosing and for showing.

        `asked`: who is left out; without it, whoever was asked in this round.
        """
        on_shift = await self._people.candidates(session, site_id=order.site_id, at=self._clock.now())
        asked = await repository.asked_in_round(session, order) if asked is None else asked
        return rank(need_for(order), await self._bidders(session, on_shift), asked=asked)

    async def on_duty(self, session: AsyncSession, *, site_id: UUID, duty: str) -> UUID | None:
        """The least loaded person with that duty now, else the duty manager."""
        on_duty = await self._people.on_duty(session, site_id=site_id, duty=duty, at=self._clock.now())
        chosen = least_loaded(await self._bidders(session, on_duty))
        if chosen is not None:
            return chosen.person_id
        return await self.duty_manager(session, site_id)

    async def duty_manager(self, session: AsyncSession, site_id: UUID) -> UUID | None:
        """Whom everything ends with; None only where a site has no manager and the company no administrator."""
        try:
            return (await self._people.duty_manager(session, site_id)).person_id
        except NobodyResponsible:
            log.error("nobody is responsible for a site", site_id=str(site_id))
            return None

    async def name(self, session: AsyncSession, person_id: UUID) -> str:
        return (await self._people.names(session, [person_id])).get(person_id, "—")

    async def _bidders(self, session: AsyncSession, candidates: Iterable[Candidate]) -> list[Bidder]:
        found = list(candidates)
        ids = {candidate.person_id for candidate in found}
        load = await repository.loads(session, ids)
        recent = await repository.offers_since(session, ids, since=self._clock.now() - FAIRNESS_WINDOW)
        return [
            Bidder(
                person_id=one.person_id,
                name=one.name,
                duty=one.duty,
                skills=frozenset(one.skills),
                certified_skills=frozenset(one.certified_skills),
                building_ids=one.building_ids,
                open_orders=load.get(one.person_id, 0),
                recent_orders=recent.get(one.person_id, 0),
            )
            for one in found
        ]


def need_for(order: WorkOrder) -> Need:
    return need_of(
        procedure=Procedure(order.procedure),
        category=Category(order.category),
        equipment_kind=EquipmentKind(order.equipment_kind) if order.equipment_kind else None,
        building_id=order.building_id,
    )


def offer(session: AsyncSession, order: WorkOrder, choice: Choice, *, chosen_by: UUID | None, at: datetime) -> None:
    """Records that the order is now offered to somebody. At most one offer of an order is open."""
    session.add(
        DispatchOffer(
            site_id=order.site_id,
            work_order_id=order.id,
            round=order.dispatch_round,
            person_id=choice.person_id,
            chosen_by=chosen_by,
            mode=choice.mode.value,
            score=choice.score,
            reasons=[_as_json(reason) for reason in choice.reasons],
            offered_at=at,
        )
    )


async def end_offer(session: AsyncSession, order: WorkOrder, outcome: OfferOutcome, *, at: datetime) -> bool:
    """Ends the open offer, if there is one; whether there was."""
    standing = await repository.open_offer(session, order.id)
    if standing is None:
        return False
    standing.outcome, standing.ended_at = outcome.value, at
    # The index allows one open offer: this one must be gone before the next is written.
    await session.flush()
    return True


def _as_json(reason: Reason) -> dict[str, Any]:
    return {"factor": reason.factor, "points": reason.points, "count": reason.count}
