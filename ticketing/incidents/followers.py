"""Who wants to hear how an order goes on. Owners follow by their own report and never see who else does."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from people.service import PeopleService
from ticketing import repository
from ticketing.errors import ReportNotFound, WorkOrderNotFound
from ticketing.incidents import repository as incident_repository
from ticketing.models import Report, WorkOrder


@dataclass(frozen=True)
class FollowerView:
    """`report_id` None: a member of staff who asked to be told."""

    person_id: UUID
    name: str | None
    report_id: UUID | None
    since: datetime


class Followers:
    def __init__(self, people: PeopleService, clock: Clock) -> None:
        self._people = people
        self._clock = clock

    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> list[FollowerView]:
        """For staff only. Raises WorkOrderNotFound."""
        order = await self._order(session, scope, work_order_id)
        found = await repository.followers(session, order.id)
        names = await self._people.names(session, {one.person_id for one in found})
        return [FollowerView(one.person_id, names.get(one.person_id), one.report_id, one.since) for one in found]

    async def follow(self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, person_id: UUID) -> None:
        """Twice is once. Raises WorkOrderNotFound."""
        order = await self._order(session, scope, work_order_id)
        report = await incident_repository.report_of(session, work_order_id=order.id, person_id=person_id)
        await repository.follow(
            session, at=order, person_id=person_id, report_id=report.id if report else None, since=self._clock.now()
        )

    async def unfollow(self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, person_id: UUID) -> None:
        """Raises WorkOrderNotFound."""
        order = await self._order(session, scope, work_order_id)
        await incident_repository.unfollow(session, work_order_id=order.id, person_id=person_id)

    async def follow_report(self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID) -> None:
        """An owner wants to hear of their own report again. Raises ReportNotFound, also when it is somebody else's."""
        report, order = await self._own(session, report_id, reporter_id)
        await repository.follow(session, at=order, person_id=reporter_id, report_id=report.id, since=self._clock.now())

    async def unfollow_report(self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID) -> None:
        """Raises ReportNotFound, also when it is somebody else's."""
        _, order = await self._own(session, report_id, reporter_id)
        await incident_repository.unfollow(session, work_order_id=order.id, person_id=reporter_id)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder:
        order = await repository.order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        return order

    async def _own(self, session: AsyncSession, report_id: UUID, reporter_id: UUID) -> tuple[Report, WorkOrder]:
        report = await repository.report(session, report_id)
        if report is None or report.reporter_id != reporter_id:
            raise ReportNotFound(report_id)
        order = await repository.order(session, Scope.everywhere(), report.work_order_id)
        assert order is not None  # the foreign key's word
        return report, order
