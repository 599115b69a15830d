"""What staff see of work orders: lists, counts, one order with everything on it. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Texts, Wording
from kit.totals import Total
from people.contractors.service import ContractorService
from people.contractors.views import ContractorView
from people.service import PeopleService
from ticketing import listing_repository, photo_repository, repository
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.scoring import Ranking
from ticketing.errors import WorkOrderNotFound
from ticketing.feedback import repository as feedback_repository
from ticketing.flow import Flow, Hat, Transition
from ticketing.forms import Answer
from ticketing.incidents.family import Family, family_of
from ticketing.kinds import SETTLED, OrderState
from ticketing.listing_repository import OrderCounts
from ticketing.models import Attachment, DispatchOffer, Report, TimelineEntry, WorkOrder, WorkOrderAlarm, WorkOrderTask
from ticketing.narrowing_repository import OrderFilter
from ticketing.order_kind import OrderKind
from ticketing.tasking import moves_for
from ticketing.tasks import TaskAction


@dataclass(frozen=True)
class OrderLine:
    """An order as lists show it."""

    order: WorkOrder
    assignee_name: str | None
    reports: int
    is_overdue: bool


@dataclass(frozen=True)
class OrderLines:
    """A page of a list and how many orders match."""

    lines: Sequence[OrderLine]
    total: Total


@dataclass(frozen=True)
class PossibleAction:
    """A transition that the caller may make now, and what its flow calls it."""

    row: Transition
    name: Wording


@dataclass(frozen=True)
class OrderPage:
    """An order with all that belongs to it. `names` by person id, for everybody it mentions. `shows_anonymous`: the
    caller may see who asked not to be named.

    `form` is what of the form the caller may see, `answers` the same of each report, `actions` what they may do now,
    `task_actions` the same for each task.
    """

    line: OrderLine
    repeat_of: str | None
    timeline: Sequence[TimelineEntry]
    tasks: Sequence[WorkOrderTask]
    reports: Sequence[Report]
    answers: Mapping[UUID, Sequence[Answer]]
    offers: Sequence[DispatchOffer]
    contractor: ContractorView | None
    photos: Sequence[Attachment]
    alarms: Sequence[WorkOrderAlarm]
    family: Family
    names: Mapping[UUID, str]
    shows_anonymous: bool
    kind: OrderKind
    flow: Flow
    form: Mapping[str, Any]
    stage_name: Wording
    actions: Sequence[PossibleAction]
    task_actions: Mapping[UUID, Sequence[TaskAction]]


class Desk:
    def __init__(
        self, people: PeopleService, contractors: ContractorService, definitions: Definitions,
        dispatching: Dispatching, texts: Texts, clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._contractors = contractors
        self._definitions = definitions
        self._dispatching = dispatching
        self._texts = texts
        self._clock = clock

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: OrderFilter, *, sort: str, limit: int, offset: int
    ) -> OrderLines:
        """Raises UnknownSortField."""
        now = self._clock.now()
        found = await listing_repository.find(session, scope, wanted, now=now, sort=sort, limit=limit, offset=offset)
        orders = found.orders
        names = await self._people.names(session, {order.assignee_id for order in orders if order.assignee_id})
        reports = await listing_repository.report_counts(session, [order.id for order in orders])
        return OrderLines([_line(order, names, reports.get(order.id, 0), now) for order in orders], found.total)

    async def counts(self, session: AsyncSession, scope: Scope, wanted: OrderFilter) -> OrderCounts:
        return await listing_repository.counts(session, scope, wanted, now=self._clock.now())

    async def page(self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor) -> OrderPage:
        """Raises WorkOrderNotFound."""
        order = await self._order(session, scope, work_order_id)
        timeline = await repository.timeline(session, order.id)
        tasks = await repository.tasks(session, order.id)
        reports = await repository.reports_of_order(session, order.id)
        offers = await repository.offers(session, order.id)
        photos = await photo_repository.of_order(session, order.id)
        names = await self._people.names(session, _mentioned(order, timeline, tasks, reports, offers, photos))
        kind, flow = await self._definitions.kind_of(session, order), await self._definitions.flow_of(session, order)
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        legal = flow.legal(order.at_stage, hats)
        return OrderPage(
            line=_line(order, names, len(reports), self._clock.now()),
            repeat_of=await self._number(session, order.repeat_of_id),
            timeline=timeline,
            tasks=tasks,
            reports=reports,
            answers={one.id: await self._answers(session, one, actor) for one in reports},
            offers=offers,
            contractor=await self._contractor(session, order),
            photos=photos,
            alarms=await repository.links_of_order(session, order.id),
            family=await family_of(session, order, without=await self._hidden(session, actor)),
            names=names,
            shows_anonymous=Hat.MANAGER in hats,
            kind=kind,
            flow=flow,
            form=kind.form.seen_by(order.form, actor.roles(order.site_id)),
            stage_name=self._texts.wording(flow.stage(order.at_stage).wording),
            actions=[PossibleAction(row, self._texts.wording(flow.wording(row.action))) for row in legal],
            task_actions={task.id: moves_for(order, task, actor) for task in tasks},
        )

    async def suggestions(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> Ranking:
        """Who could do it, best first, and why the others could not. Raises WorkOrderNotFound."""
        return await self._dispatching.ranking(session, await self._order(session, scope, work_order_id), asked=())

    async def _order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder:
        order = await repository.order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        return order

    async def _hidden(self, session: AsyncSession, actor: Actor) -> set[UUID]:
        """Complaints about whoever looks: they do not exist for them."""
        return set() if actor.person_id is None else await feedback_repository.hidden_from(session, actor.person_id)

    async def _answers(self, session: AsyncSession, report: Report, actor: Actor) -> Sequence[Answer]:
        if not report.form or report.kind is None or report.kind_version is None:
            return ()
        kind = await self._definitions.kinds.version(session, report.kind, report.kind_version)
        return kind.form.answers(report.form, actor.roles(report.site_id))

    async def _contractor(self, session: AsyncSession, order: WorkOrder) -> ContractorView | None:
        if order.contractor_id is None:
            return None
        return await self._contractors.contractor(session, Scope.of(order.site_id), order.contractor_id)

    async def _number(self, session: AsyncSession, work_order_id: UUID | None) -> str | None:
        if work_order_id is None:
            return None
        found = await repository.order(session, Scope.everywhere(), work_order_id)
        return found.number if found else None


def _line(order: WorkOrder, names: Mapping[UUID, str], reports: int, now: datetime) -> OrderLine:
    state = OrderState(order.state)
    is_over = state in SETTLED or state is OrderState.DONE
    is_overdue = (
        not is_over
        and order.held_since is None
        and (
            order.resolution_due_at < now
            or (order.responded_at is None and order.response_due_at < now)
            or (order.arrived_at is None and order.arrival_due_at is not None and order.arrival_due_at < now)
        )
    )
    return OrderLine(order, names.get(order.assignee_id) if order.assignee_id else None, reports, is_overdue)


def _mentioned(
    order: WorkOrder, timeline: Sequence[TimelineEntry], tasks: Sequence[WorkOrderTask], reports: Sequence[Report],
    offers: Sequence[DispatchOffer], photos: Sequence[Attachment],
) -> set[UUID]:  # fmt: skip
    found = {order.assignee_id, order.opened_by, order.outage_confirmed_by}
    found |= {entry.actor_id for entry in timeline} | {photo.added_by for photo in photos}
    found |= {person for task in tasks for person in (task.assignee_id, task.ended_by)}
    found |= {person for report in reports for person in (report.reporter_id, report.taken_by)}
    found |= {person for offer in offers for person in (offer.person_id, offer.chosen_by)}
    return {person for person in found if person is not None}
