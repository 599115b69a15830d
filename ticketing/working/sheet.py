"""All that whoever does the work must know and bring, read at once: who pays, what is wanted, what is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from people.service import PeopleService
from stock.views import OrderPart
from ticketing.holding import seen
from ticketing.kinds import ClosingCode
from ticketing.models import WorkOrder
from ticketing.order_kind import Completion
from ticketing.working import repository
from ticketing.working.checking import Checking
from ticketing.working.checklist import Checklist
from ticketing.working.completing import Completing
from ticketing.working.completion import Wanted, missing
from ticketing.working.jobs import Jobs, spent_of
from ticketing.working.models import ChecklistAnswer, Helper, LabourEntry
from ticketing.working.suggesting import Suggestion


@dataclass(frozen=True)
class LabourLine:
    entry: LabourEntry
    minutes: Decimal
    is_running: bool


@dataclass(frozen=True)
class WorkSheet:
    """`missing`: what finishing would be refused for now. `names` of everybody mentioned, by id."""

    order: WorkOrder
    wanted: Completion
    missing: Sequence[Wanted]
    suggestion: Suggestion
    checklist: Checklist | None
    answers: Sequence[ChecklistAnswer]
    labour: Sequence[LabourLine]
    parts: Sequence[OrderPart]
    helpers: Sequence[Helper]
    names: dict[UUID, str]


class WorkSheets:
    def __init__(
        self, *, people: PeopleService, jobs: Jobs, checking: Checking, completing: Completing, clock: Clock
    ) -> None:
        self._people = people
        self._jobs = jobs
        self._checking = checking
        self._completing = completing
        self._clock = clock

    async def of(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkSheet:
        """Raises WorkOrderNotFound."""
        order = await seen(session, scope, work_order_id)
        wanted = await self._completing.wanted(session, order)
        there, _ = await self._completing.evidence(session, order)
        code = ClosingCode(order.closing_code) if order.closing_code else None
        labour = await repository.labour(session, order.id)
        helpers = await self._jobs.helpers(session, order.id)
        mentioned = {entry.person_id for entry in labour} | {helper.person_id for helper in helpers}
        now = self._clock.now()
        return WorkSheet(
            order=order,
            wanted=wanted,
            missing=missing(wanted, there, closing_code=code),
            suggestion=await self._completing.suggestion(session, order),
            checklist=await self._checking.of_order(session, order),
            answers=await self._checking.answers(session, order),
            labour=[
                LabourLine(entry, spent_of(entry).so_far(now), entry.ended_at is None and entry.minutes is None)
                for entry in labour
            ],
            parts=await self._jobs.parts(session, order.id),
            helpers=helpers,
            names=await self._people.names(session, mentioned),
        )
