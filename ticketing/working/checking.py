"""Checklists as data: saved in versions, fixed on an order when it opens, answered item by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.draft import Draft
from ticketing.errors import PhotoNotFound
from ticketing.events import WorkOrderChanged
from ticketing.journal import Entry, record
from ticketing.models import WorkOrder
from ticketing.working import repository
from ticketing.working.checklist import Checklist, CheckOutcome, Found, judge, parse_checklist
from ticketing.working.errors import ChecklistNotFound, NoChecklist
from ticketing.working.jobs import Jobs
from ticketing.working.models import ChecklistAnswer, ChecklistVersion, OrderChecklist


@dataclass(frozen=True)
class GivenAnswer:
    """What was found at an item, as it is entered."""

    outcome: CheckOutcome | None = None
    measure: Decimal | None = None
    note: str | None = None
    photo_id: UUID | None = None


class Checking:
    def __init__(self, *, jobs: Jobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    # --- templates ------------------------------------------------------------------------------------------------

    async def save(
        self, session: AsyncSession, code: str, *, equipment_kind: EquipmentKind | None,
        document: Mapping[str, Any], by: UUID | None,
    ) -> Checklist:  # fmt: skip
        """Saves the next version, which holds for new orders. Raises DocumentInvalid."""
        kind = equipment_kind.value if equipment_kind else ""
        await orders.lock_name(session, f"checklist/{code}/{kind}")
        last = await repository.latest_checklist(session, code=code, equipment_kind=kind)
        version = last.version + 1 if last else 1
        checklist = parse_checklist(document, code=code, equipment_kind=kind, version=version)
        session.add(
            ChecklistVersion(
                code=code, equipment_kind=kind, version=version, document=dict(document), saved_by=by,
                saved_at=self._clock.now(),
            )
        )  # fmt: skip
        await session.flush()
        return checklist

    async def all(self, session: AsyncSession) -> list[Checklist]:
        """The newest of each."""
        return [_parsed(row) for row in await repository.latest_checklists(session)]

    async def latest(self, session: AsyncSession, code: str, *, equipment_kind: EquipmentKind | None) -> Checklist:
        """The one for that kind of equipment, else the one for any. Raises ChecklistNotFound."""
        found = await self._fitting(session, code, equipment_kind.value if equipment_kind else "")
        if found is None:
            raise ChecklistNotFound(code)
        return _parsed(found)

    # --- orders ---------------------------------------------------------------------------------------------------

    async def begin(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """The checklist of an order that opens, where its kind has one: a later version does not change it."""
        code = draft.kind.completion.checklist
        if code is None:
            return
        found = await self._fitting(session, code, order.equipment_kind or "")
        if found is not None:
            session.add(
                OrderChecklist(
                    work_order_id=order.id, site_id=order.site_id, code=found.code,
                    equipment_kind=found.equipment_kind, version=found.version,
                )
            )  # fmt: skip

    async def of_order(self, session: AsyncSession, order: WorkOrder) -> Checklist | None:
        link = await repository.order_checklist(session, order.id)
        if link is None:
            return None
        row = await repository.checklist_version(
            session, code=link.code, equipment_kind=link.equipment_kind, version=link.version
        )
        assert row is not None  # versions are never deleted
        return _parsed(row)

    async def answers(self, session: AsyncSession, order: WorkOrder) -> Sequence[ChecklistAnswer]:
        return await repository.answers(session, order.id, attempt=order.attempt)

    async def answer(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, item: str, given: GivenAnswer
    ) -> WorkOrder:
        """Answers an item, or corrects the answer.

        Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob, NoChecklist, ChecklistItemUnknown, PhotoNotFound and what
        `checklist.judge` raises.
        """
        order = await self._jobs.on_the_job(session, scope, work_order_id, actor)
        checklist = await self.of_order(session, order)
        if checklist is None:
            raise NoChecklist(order.number)
        await self._check_photo(session, order, given.photo_id)
        found = Found(given.outcome, given.measure, given.note, has_photo=given.photo_id is not None)
        outcome = judge(checklist.item(item), found)
        now = self._clock.now()
        await session.merge(
            ChecklistAnswer(
                work_order_id=order.id, attempt=order.attempt, item=item, site_id=order.site_id,
                outcome=outcome.value, measure=given.measure, note=given.note, photo_id=given.photo_id,
                answered_by=actor.person_id, answered_at=now,
            )
        )  # fmt: skip
        await session.flush()
        after = {"item": item, "outcome": outcome.value}
        record(session, order, Entry.CHECKED, at=now, actor_id=actor.person_id, why=given.note, after=after)
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        return order

    async def _check_photo(self, session: AsyncSession, order: WorkOrder, photo_id: UUID | None) -> None:
        if photo_id is None:
            return
        if await repository.photo(session, work_order_id=order.id, photo_id=photo_id) is None:
            raise PhotoNotFound(photo_id)

    async def _fitting(self, session: AsyncSession, code: str, equipment_kind: str) -> ChecklistVersion | None:
        for kind in dict.fromkeys((equipment_kind, "")):
            found = await repository.latest_checklist(session, code=code, equipment_kind=kind)
            if found is not None:
                return found
        return None


def _parsed(row: ChecklistVersion) -> Checklist:
    return parse_checklist(row.document, code=row.code, equipment_kind=row.equipment_kind, version=row.version)
