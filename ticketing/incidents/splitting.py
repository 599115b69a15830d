"""A report that was about something else gets an order of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.draft import Draft
from ticketing.drafting import Drafting
from ticketing.errors import ReportNotFound, StaleWorkOrder, WorkOrderNotFound
from ticketing.events import WorkOrderChanged, WorkOrderJoined
from ticketing.feedback.protection import Protection
from ticketing.incidents import repository as incident_repository
from ticketing.incidents.errors import SplitNotPossible
from ticketing.incidents.incident import find_same
from ticketing.journal import Entry, record
from ticketing.kinds import Category, Channel
from ticketing.models import Report, WorkOrder
from ticketing.opening import Hear, Opening
from ticketing.reports import NewReport


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What the report was about after all. Nothing said: nobody knows yet, the order stands alone."""

    category: Category | None = None
    fault_mode: str | None = None
    equipment_id: UUID | None = None
    space_id: UUID | None = None
    building_id: UUID | None = None
    priority: int | None = None

    @property
    def says_what(self) -> bool:
        return any(one is not None for one in (self.category, self.fault_mode, self.equipment_id))


class Splitting:
    def __init__(
        self, opening: Opening, drafting: Drafting, *, protection: Protection, hears: Sequence[Hear], clock: Clock
    ) -> None:
        self._opening = opening
        self._drafting = drafting
        self._protection = protection
        self._hears = hears
        self._clock = clock

    async def split(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, report_id: UUID, *, actor: Actor,
        correction: Correction, reason: str, version: int | None = None,
    ) -> WorkOrder:  # fmt: skip
        """The order that the report has now: a new one, or the open one about what it was about.

        Whom the old order is about the new one is about, too. Raises WorkOrderNotFound, StaleWorkOrder, ReportNotFound,
        SplitNotPossible, AboutThem (the caller is meant), PlaceNotFound and what `Drafting.draft` raises.
        """
        order = await repository.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        if version is not None and version != order.version:
            raise StaleWorkOrder(given_version=version, version=order.version)
        report = await repository.report(session, report_id)
        if report is None or report.work_order_id != order.id:
            raise ReportNotFound(report_id)
        if await incident_repository.is_all_there_is(session, order, report):
            raise SplitNotPossible(order.number)
        said = _said(order, report, correction)
        draft = await self._draft(session, order, said, correction)
        draft = await self._drafting.carry(session, draft, report, now=self._clock.now())
        new, joined = await self._opening.open_or_join(session, draft, report_id=report.id)
        await self._move(session, order, report, new, joined=joined)
        await self._write_down(session, order, report, new, actor=actor, reason=reason)
        await self._protect(session, order, new, said, actor)
        if joined:
            event = WorkOrderJoined(site_id=new.site_id, work_order_id=new.id, report_id=report.id)
            await publish(session, event)
        else:
            await self._opening.start(session, new)
        return new

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _draft(self, session: AsyncSession, order: WorkOrder, said: NewReport, given: Correction) -> Draft:
        """Nothing of it leads back into the order that it is taken from."""
        draft = await self._drafting.draft(session, said)
        if draft.key is None or not given.says_what:
            return replace(draft, key=None)
        standing = await repository.open_incidents(session, site_id=order.site_id, subject=draft.key.subject)
        same = find_same(draft.key, standing)
        return replace(draft, key=None) if same is not None and same.work_order_id == order.id else draft

    async def _protect(
        self, session: AsyncSession, order: WorkOrder, new: WorkOrder, said: NewReport, actor: Actor
    ) -> None:
        await self._protection.take_along(session, order, new)
        for hear in self._hears:
            await hear(session, new, said)
        await self._protection.check_not_meant(session, actor.person_id, new)

    async def _move(
        self, session: AsyncSession, order: WorkOrder, report: Report, new: WorkOrder, *, joined: bool
    ) -> None:
        await incident_repository.move_reports(session, before=order.id, after=new.id, only=[report.id])
        await session.refresh(report)
        report.joined = joined
        if report.reporter_id is None:
            return
        person_id = report.reporter_id
        standing = await incident_repository.follower(session, work_order_id=order.id, person_id=person_id)
        if standing is not None:
            left = await incident_repository.report_of(session, work_order_id=order.id, person_id=person_id)
            if left is None:
                await session.delete(standing)
            elif standing.report_id == report.id:
                standing.report_id = left.id
        await repository.follow(session, at=new, person_id=person_id, report_id=report.id, since=self._clock.now())

    async def _write_down(
        self, session: AsyncSession, order: WorkOrder, report: Report, new: WorkOrder, *, actor: Actor, reason: str
    ) -> None:
        now, report_id = self._clock.now(), str(report.id)
        order.version += 1
        record(
            session, order, Entry.SPLIT, at=now, actor_id=actor.person_id, why=reason,
            after={"report_id": report_id, "to": new.number},
        )  # fmt: skip
        record(
            session, new, Entry.SPLIT_OFF, at=now, actor_id=actor.person_id, why=reason,
            after={"report_id": report_id, "from": order.number},
        )  # fmt: skip
        await session.flush()
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def _said(order: WorkOrder, report: Report, given: Correction) -> NewReport:
    """The report as if it came now, about what it was about after all."""
    has_place = any(one is not None for one in (given.equipment_id, given.space_id, given.building_id))
    return NewReport(
        site_id=order.site_id,
        channel=Channel(report.channel),
        text=report.text,
        category=given.category or Category(report.category),
        reporter_id=report.reporter_id,
        taken_by=report.taken_by,
        equipment_id=given.equipment_id,
        space_id=given.space_id if has_place else report.space_id,
        building_id=given.building_id if has_place else None if report.space_id else order.building_id,
        fault_mode=given.fault_mode,
        priority=given.priority,
        is_anonymous=report.is_anonymous,
    )
