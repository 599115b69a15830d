"""Who is told when owners speak, or keep silent. Handlers of events and sweeps, each in a transaction of its own."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Role, Scope
from kit.clock import Clock
from kit.events import publish
from kit.sweeps import Sweep
from notify.service import Notice, NotifyService, Urgency
from people.kinds import Duty
from people.service import PeopleService
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.events import WorkOrderMoved
from ticketing.feedback import repository
from ticketing.feedback.events import OrderUrged, VerdictGiven
from ticketing.feedback.models import OwnerVerdict
from ticketing.feedback.settling import Settling
from ticketing.feedback.verdict import ANSWERABLE, RATEABLE, Outcome
from ticketing.journal import Entry, record
from ticketing.kinds import OrderState
from ticketing.models import WorkOrder
from ticketing.report_links import ReportLinks
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping


class FeedbackTelling:
    def __init__(
        self, *, notify: NotifyService, people: PeopleService, settling: Settling, sweeping: Sweeping,
        links: ReportLinks, clock: Clock,
    ) -> None:  # fmt: skip
        self._notify = notify
        self._people = people
        self._settling = settling
        self._sweeping = sweeping
        self._links = links
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("ticketing.remind_owners", "*/5 * * * *", self.remind),
            Sweep("ticketing.silent_owners", "*/10 * * * *", self.take_silence_for_consent),
        )

    # --- events ----------------------------------------------------------------------------------------------------

    async def on_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        """Work said to be done: each reporter is asked. Proved meanwhile: what all had found good is closed."""
        if event.after not in (OrderState.DONE, OrderState.VERIFIED):
            return
        order = await orders.lock_order(session, Scope.everywhere(), event.work_order_id)
        assert order is not None  # the event was committed with it
        if OrderState(order.state) not in RATEABLE:
            return  # it went on before this ran
        for report in await repository.reports_that_count(session, order.id):
            await self._settling.ask(session, order, report)
        if await repository.answers(session, order):
            await self._settling.close_if_agreed(session, order, actor=Actor.reporter(None))

    async def on_urged(self, session: AsyncSession, event: OrderUrged) -> None:
        """Whoever has the order and customer service on duty, each once an urge."""
        order = await self._order(session, event.work_order_id)
        row = await repository.urge(session, event.urge_id)
        kept_off = await repository.subjects(session, order.id)
        told = [person for person in await self._concerned(session, order) if person not in kept_off]
        for person_id in dict.fromkeys(told):
            notice = Notice(
                key=f"urge/{row.id}", person_id=person_id, template="staff.urged", site_id=order.site_id,
                facts={
                    "number": order.number, "place": order.place, "times": str(order.urges),
                    "due": order.promised_at.isoformat(),
                },
                urgency=Urgency.URGENT, link=f"/work-orders/{order.id}",
            )  # fmt: skip
            await self._notify.tell(session, notice)

    async def on_verdict(self, session: AsyncSession, event: VerdictGiven) -> None:
        """A rejection is news to customer service; the second one is told the manager by its escalation."""
        if event.outcome != Outcome.REJECTED or event.went_up:
            return
        order = await self._order(session, event.work_order_id)
        kept_off = await repository.subjects(session, order.id)
        for person_id in await self._desk(session, order):
            if person_id in kept_off:
                continue
            notice = Notice(
                key=f"rejected/{event.report_id}/{order.id}/{order.attempt}", person_id=person_id,
                template="staff.rejected",
                facts={"number": order.number, "place": order.place}, site_id=order.site_id,
                urgency=Urgency.URGENT, link=f"/work-orders/{order.id}",
            )  # fmt: skip
            await self._notify.tell(session, notice)

    # --- sweeps ----------------------------------------------------------------------------------------------------

    async def remind(self, session: AsyncSession) -> None:
        """One reminder a question, in hours that owners may be told things (`notify` waits with it)."""
        now = self._clock.now()
        for row in await repository.to_remind(session, now=now, limit=ROWS_A_SWEEP):
            row.reminded_at = now
            order = await self._order(session, row.work_order_id)
            if row.person_id is None or order.attempt != row.attempt or OrderState(order.state) not in ANSWERABLE:
                continue
            notice = Notice(
                key=f"verdict/{row.id}/reminder", person_id=row.person_id, template="work_order.verdict_wanted",
                facts={"number": order.number, "place": order.place, "until": row.silent_at.isoformat()},
                site_id=order.site_id, link=self._links.path(row.report_id),
            )  # fmt: skip
            await self._notify.tell(session, notice)

    async def take_silence_for_consent(self, session: AsyncSession) -> None:
        found = await repository.orders_of_the_silent(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "silent_owners", found, self._take_silence)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _take_silence(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        for row in await repository.silent(session, order.id, now=now):
            row.outcome, row.answered_at = Outcome.SILENT.value, now
            await self._note_silence(session, order, row)
        await session.flush()
        if OrderState(order.state) in ANSWERABLE:
            await self._settling.close_if_agreed(session, order, actor=Actor.reporter(None))

    async def _note_silence(self, session: AsyncSession, order: WorkOrder, row: OwnerVerdict) -> None:
        if row.attempt != order.attempt or OrderState(order.state) not in ANSWERABLE:
            return  # about work that was done over since, or closed without them
        record(session, order, Entry.OWNER_SILENT, at=self._clock.now())
        given = VerdictGiven(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, report_id=row.report_id,
            outcome=Outcome.SILENT.value,
        )  # fmt: skip
        await publish(session, given)

    async def _concerned(self, session: AsyncSession, order: WorkOrder) -> list[UUID]:
        holder = [order.assignee_id] if order.assignee_id is not None else []
        return [*holder, *await self._desk(session, order)]

    async def _desk(self, session: AsyncSession, order: WorkOrder) -> Sequence[UUID]:
        """Customer service on duty; where nobody is, the managers of the site."""
        on_duty = await self._people.on_duty(
            session, site_id=order.site_id, duty=Duty.DISPATCHER, at=self._clock.now()
        )  # fmt: skip
        if on_duty:
            return [one.person_id for one in on_duty]
        return await self._people.holders(session, site_id=order.site_id, role=Role.MANAGER)

    async def _order(self, session: AsyncSession, work_order_id: UUID) -> WorkOrder:
        order = await orders.order(session, Scope.everywhere(), work_order_id)
        assert order is not None  # orders are never deleted
        return order
