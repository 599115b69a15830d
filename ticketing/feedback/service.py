"""What reporters do with a report of their own: confirm, reject, rate, urge, take back. Services never commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.errors import IllegalTransition, NotYourOrder, ReportNotFound
from ticketing.events import WorkOrderChanged
from ticketing.feedback import repository
from ticketing.feedback.errors import (
    AlreadyRated,
    CancelTooLate,
    NothingToConfirm,
    NothingToRate,
    NothingToUrge,
    ReportWithdrawn,
    UrgedTooOften,
)
from ticketing.feedback.events import OrderRated, OrderUrged, VerdictGiven
from ticketing.feedback.models import OrderRating, OrderUrge, OwnerVerdict
from ticketing.feedback.policies import FeedbackPolicies
from ticketing.feedback.return_visits import ReturnVisits
from ticketing.feedback.settling import Settling, shown_id
from ticketing.feedback.verdict import (
    ANSWERABLE,
    RATEABLE,
    Outcome,
    Stars,
    Wish,
    goes_up,
    next_urge,
    wants_return_visit,
    wishes,
)
from ticketing.flow import Action
from ticketing.journal import Entry, record
from ticketing.kinds import OrderState, OwnerState, Procedure
from ticketing.models import Report, WorkOrder
from ticketing.moving import Moving
from ticketing.words import Words

# The machine's word for a reason nobody gave; its text is in locales, `ticketing.why`.
OWNER_CANCELLED = "owner_cancelled"
# A rate limit looks no further back.
URGES_LOOKED_AT = timedelta(days=2)


@dataclass(frozen=True)
class ReportFeedback:
    """How a report stands between its reporter and us. `reply`: what a complaint or question was answered. `went_up`:
    it was sent back so often that the manager has it. `is_called_back`: after few stars customer service calls.

    `wishes`: what the reporter may do now; `next_urge_at`: from when urging is possible again, None: now.
    """

    report_id: UUID
    number: str
    state: OwnerState
    reply: str | None
    outcome: Outcome | None
    satisfaction: int | None
    stars: Stars | None
    rejections: int
    went_up: bool
    is_called_back: bool
    wishes: list[Wish]
    next_urge_at: datetime | None


class FeedbackService:
    def __init__(
        self, *, catalog: CatalogService, moving: Moving, settling: Settling, return_visits: ReturnVisits,
        policies: FeedbackPolicies, clock: Clock,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._moving = moving
        self._settling = settling
        self._return_visits = return_visits
        self._policies = policies
        self._clock = clock

    # `reporter_id`: only a report of this person's; None for whoever holds a report's signed link.

    async def of_report(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None
    ) -> ReportFeedback:
        """Raises ReportNotFound."""
        order, report = await self._held(session, report_id, reporter_id)
        return await self._view(session, order, report)

    async def confirm(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None,
        satisfaction: int | None = None, words: str | None = None,
    ) -> ReportFeedback:  # fmt: skip
        """The work, or the answer, is good. Once every reporter says so the order is closed. Twice is once.

        Raises ReportNotFound, ReportWithdrawn, NothingToConfirm.
        """
        order, report = await self._standing(session, report_id, reporter_id)
        if OrderState(order.state) not in ANSWERABLE:
            raise NothingToConfirm(order.number, _state(order))
        row = await self._verdict(session, order, report)
        if row.outcome is None or satisfaction is not None:
            await self._answer(session, order, report, row, Outcome.ACCEPTED, satisfaction=satisfaction, words=words)
            await self._settling.close_if_agreed(session, order, actor=Actor.reporter(shown_id(report)))
        policy = await self._policies.of(session, order.site_id)
        if satisfaction is not None and wants_return_visit([satisfaction], policy):
            await self._return_visits.open(session, order, report, why=words)
        return await self._view(session, order, report)

    async def reject(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None, reason: str
    ) -> ReportFeedback:
        """It is not good: the order is open again, and the second time it is the manager's, with a time of its own.

        Raises ReportNotFound, ReportWithdrawn, NothingToConfirm, ReopenTooLate, and what `Moving.move` raises.
        """
        order, report = await self._standing(session, report_id, reporter_id)
        if OrderState(order.state) not in RATEABLE:
            raise NothingToConfirm(order.number, _state(order))
        row = await self._verdict(session, order, report)
        await self._answer(session, order, report, row, Outcome.REJECTED, words=reason, publishes=False)
        policy = await self._policies.of(session, order.site_id)
        up = goes_up(await repository.rejections(session, order.id), policy)
        went_up = await self._settling.reopen(session, order, report, reason=reason, goes_up=up, policy=policy)
        await publish(session, _given(order, row, went_up=went_up))
        return await self._view(session, order, report)

    async def rate(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None, stars: Stars,
        words: str | None = None,
    ) -> ReportFeedback:  # fmt: skip
        """Marks for the work as it stands, once. Few of them have customer service call.

        Raises ReportNotFound, ReportWithdrawn, NothingToRate, AlreadyRated.
        """
        order, report = await self._standing(session, report_id, reporter_id)
        if OrderState(order.state) not in RATEABLE:
            raise NothingToRate(order.number, _state(order))
        if await repository.rating(session, report, order) is not None:
            raise AlreadyRated(order.number)
        now = self._clock.now()
        policy = await self._policies.of(session, order.site_id)
        visit_id = None
        if wants_return_visit([stars.speed, stars.attitude, stars.quality], policy):
            visit_id = await self._return_visits.open(session, order, report, why=words, stars=stars)
        session.add(
            OrderRating(
                site_id=order.site_id, work_order_id=order.id, report_id=report.id, person_id=report.reporter_id,
                assignee_id=order.assignee_id, attempt=order.attempt, speed=stars.speed, attitude=stars.attitude,
                quality=stars.quality, words=words, at=now, return_visit_id=visit_id,
            )
        )  # fmt: skip
        marks = {"speed": stars.speed, "attitude": stars.attitude, "quality": stars.quality}
        self._record(session, order, report, Entry.RATED, why=words, after=marks)
        rated = OrderRated(
            site_id=order.site_id, work_order_id=order.id, report_id=report.id, return_visit_id=visit_id,
            speed=stars.speed, attitude=stars.attitude, quality=stars.quality,
        )  # fmt: skip
        await publish(session, rated)
        await session.flush()
        return await self._view(session, order, report)

    async def urge(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None
    ) -> ReportFeedback:  # fmt: skip
        """Asks to hurry (催单): whoever has it and customer service are told.

        Raises ReportNotFound, ReportWithdrawn, NothingToUrge, UrgedTooOften.
        """
        order, report = await self._standing(session, report_id, reporter_id)
        if Wish.URGE not in wishes(OrderState(order.state), is_answered=False, is_rated=False, is_withdrawn=False):
            raise NothingToUrge(order.number, _state(order))
        next_at = await self._next_urge(session, order, report)
        if next_at is not None:
            raise UrgedTooOften(order.number, next_at, await self._on_the_wall(session, order, next_at))
        now = self._clock.now()
        row = OrderUrge(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, report_id=report.id,
            person_id=report.reporter_id, at=now,
        )  # fmt: skip
        session.add(row)
        order.urged_at, order.urges = now, order.urges + 1
        self._record(session, order, report, Entry.URGED, after={"urges": order.urges})
        await publish(session, OrderUrged(site_id=order.site_id, work_order_id=order.id, urge_id=row.id))
        await session.flush()
        return await self._view(session, order, report)

    async def cancel(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None, reason: str | None = None
    ) -> ReportFeedback:
        """Takes a report back. What others or a sensor reported too goes on without this reporter.

        Raises ReportNotFound, ReportWithdrawn, CancelTooLate.
        """
        order, report = await self._standing(session, report_id, reporter_id)
        others = [one for one in await orders.reports_of_order(session, order.id) if one.id != report.id]
        is_shared = any(one.withdrawn_at is None for one in others)
        if not is_shared and not await orders.links_of_order(session, order.id):
            await self._call_off(session, order, report, reason)
        elif order.settled_at is not None:
            raise CancelTooLate(order.number, _state(order))
        report.withdrawn_at = self._clock.now()
        if order.state != OrderState.CANCELLED:
            await repository.unfollow(session, work_order_id=order.id, report_id=report.id)
            self._record(session, order, report, Entry.REPORT_WITHDRAWN, why=reason)
            await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        await session.flush()
        return await self._view(session, order, report)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _held(self, session: AsyncSession, report_id: UUID, reporter_id: UUID | None) -> tuple[WorkOrder, Report]:
        found = await orders.lock_report(session, report_id)
        if found is None or (reporter_id is not None and found[0].reporter_id != reporter_id):
            raise ReportNotFound(report_id)
        report, order = found
        return order, report

    async def _standing(
        self, session: AsyncSession, report_id: UUID, reporter_id: UUID | None
    ) -> tuple[WorkOrder, Report]:
        order, report = await self._held(session, report_id, reporter_id)
        if report.withdrawn_at is not None:
            raise ReportWithdrawn(order.number)
        return order, report

    async def _verdict(self, session: AsyncSession, order: WorkOrder, report: Report) -> OwnerVerdict:
        """The question about this attempt; the answer may come before the hub has asked."""
        await self._settling.ask(session, order, report)
        row = await repository.verdict(session, report, order)
        assert row is not None  # asked a line above
        return row

    async def _answer(
        self, session: AsyncSession, order: WorkOrder, report: Report, row: OwnerVerdict, outcome: Outcome, *,
        satisfaction: int | None = None, words: str | None, publishes: bool = True,
    ) -> None:  # fmt: skip
        now = self._clock.now()
        row.outcome, row.satisfaction, row.words, row.answered_at = outcome.value, satisfaction, words, now
        await session.flush()
        record(
            session, order, Entry.OWNER_CONFIRMED if outcome is Outcome.ACCEPTED else Entry.OWNER_REJECTED, at=now,
            actor_id=shown_id(report), why=words, after={"satisfaction": satisfaction} if satisfaction else None,
        )  # fmt: skip
        if publishes:
            await publish(session, _given(order, row))

    async def _call_off(self, session: AsyncSession, order: WorkOrder, report: Report, reason: str | None) -> None:
        words, actor = Words(reason=reason or OWNER_CANCELLED), Actor.reporter(shown_id(report))
        try:
            await self._moving.move(session, order, actor=actor, action=Action.CANCEL, words=words)
        except (IllegalTransition, NotYourOrder):
            raise CancelTooLate(order.number, _state(order)) from None

    async def _on_the_wall(self, session: AsyncSession, order: WorkOrder, moment: datetime) -> str:
        zone = await self._zone(session, order)
        local, today = moment.astimezone(zone), self._clock.now().astimezone(zone).date()
        return local.strftime("%H:%M" if local.date() == today else "%m-%d %H:%M")

    async def _zone(self, session: AsyncSession, order: WorkOrder) -> ZoneInfo:
        site = await self._catalog.site(session, Scope.everywhere(), order.site_id)
        return ZoneInfo(site.timezone)

    async def _next_urge(self, session: AsyncSession, order: WorkOrder, report: Report) -> datetime | None:
        now = self._clock.now()
        past = await repository.urges(session, report.id, since=now - URGES_LOOKED_AT)
        policy = await self._policies.of(session, order.site_id)
        return next_urge(past, now=now, policy=policy, zone=await self._zone(session, order))

    async def _view(self, session: AsyncSession, order: WorkOrder, report: Report) -> ReportFeedback:
        verdict = await repository.verdict(session, report, order)
        rating = await repository.rating(session, report, order)
        rejections = await repository.rejections(session, order.id)
        outcome = Outcome(verdict.outcome) if verdict is not None and verdict.outcome else None
        possible = wishes(
            OrderState(order.state), is_answered=outcome is not None, is_rated=rating is not None,
            is_withdrawn=report.withdrawn_at is not None,
        )  # fmt: skip
        return ReportFeedback(
            report_id=report.id,
            number=order.number,
            state=OwnerState(_state(order)) if report.withdrawn_at is None else OwnerState.CANCELLED,
            # A closing note is for colleagues, unless the answer is what the order is about.
            reply=order.closing_note if order.procedure == Procedure.FEEDBACK else None,
            outcome=outcome,
            satisfaction=verdict.satisfaction if verdict else None,
            stars=Stars(rating.speed, rating.attitude, rating.quality) if rating else None,
            rejections=rejections,
            went_up=goes_up(rejections, await self._policies.of(session, order.site_id)),
            is_called_back=rating is not None and rating.return_visit_id is not None,
            wishes=possible,
            next_urge_at=await self._next_urge(session, order, report) if Wish.URGE in possible else None,
        )

    def _record(
        self, session: AsyncSession, order: WorkOrder, report: Report, what: Entry, *, why: str | None = None,
        after: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        record(session, order, what, at=self._clock.now(), actor_id=shown_id(report), why=why, after=after)


def _state(order: WorkOrder) -> str:
    return OwnerState.of(OrderState(order.state)).value


def _given(order: WorkOrder, row: OwnerVerdict, *, went_up: bool = False) -> VerdictGiven:
    assert row.outcome is not None
    return VerdictGiven(
        site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, report_id=row.report_id,
        outcome=row.outcome, went_up=went_up,
    )  # fmt: skip
