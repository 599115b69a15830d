"""The queries of the work itself."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kit.access import Scope
from ticketing.kinds import SETTLED, OrderState
from ticketing.models import Attachment, WorkOrder
from ticketing.working.models import (
    ChecklistAnswer,
    ChecklistVersion,
    ContractorLink,
    Helper,
    LabourEntry,
    OrderChecklist,
)

_OVER = (OrderState.DONE.value, *sorted(state.value for state in SETTLED))

# --- checklists ----------------------------------------------------------------------------------------------------


async def latest_checklist(session: AsyncSession, *, code: str, equipment_kind: str) -> ChecklistVersion | None:
    """The newest version for that very kind of equipment ("": for any)."""
    return await session.scalar(
        select(ChecklistVersion)
        .where(ChecklistVersion.code == code, ChecklistVersion.equipment_kind == equipment_kind)
        .order_by(ChecklistVersion.version.desc())
        .limit(1)
    )


async def checklist_version(
    session: AsyncSession, *, code: str, equipment_kind: str, version: int
) -> ChecklistVersion | None:
    return await session.get(ChecklistVersion, (code, equipment_kind, version))


async def latest_checklists(session: AsyncSession) -> Sequence[ChecklistVersion]:
    """The newest of each, by code."""
    other = aliased(ChecklistVersion)
    newest = select(func.max(other.version)).where(
        other.code == ChecklistVersion.code, other.equipment_kind == ChecklistVersion.equipment_kind
    )
    found = await session.scalars(
        select(ChecklistVersion)
        .where(ChecklistVersion.version == newest.scalar_subquery())
        .order_by(ChecklistVersion.code, ChecklistVersion.equipment_kind)
    )
    return found.all()


async def order_checklist(session: AsyncSession, work_order_id: UUID) -> OrderChecklist | None:
    return await session.get(OrderChecklist, work_order_id)


async def answers(session: AsyncSession, work_order_id: UUID, *, attempt: int) -> Sequence[ChecklistAnswer]:
    found = await session.scalars(
        select(ChecklistAnswer)
        .where(ChecklistAnswer.work_order_id == work_order_id, ChecklistAnswer.attempt == attempt)
        .order_by(ChecklistAnswer.item)
    )
    return found.all()


# --- labour --------------------------------------------------------------------------------------------------------


async def labour(session: AsyncSession, work_order_id: UUID) -> Sequence[LabourEntry]:
    """Oldest first."""
    found = await session.scalars(
        select(LabourEntry).where(LabourEntry.work_order_id == work_order_id).order_by(LabourEntry.id)
    )
    return found.all()


async def running(session: AsyncSession, work_order_id: UUID) -> Sequence[LabourEntry]:
    found = await session.scalars(
        select(LabourEntry).where(
            LabourEntry.work_order_id == work_order_id,
            LabourEntry.ended_at.is_(None),
            LabourEntry.minutes.is_(None),
        )
    )
    return found.all()


# --- helpers -------------------------------------------------------------------------------------------------------


async def helper(session: AsyncSession, *, work_order_id: UUID, person_id: UUID) -> Helper | None:
    return await session.get(Helper, (work_order_id, person_id))


async def helpers(session: AsyncSession, work_order_id: UUID) -> Sequence[Helper]:
    """Those who are still there."""
    found = await session.scalars(
        select(Helper)
        .where(Helper.work_order_id == work_order_id, Helper.left_at.is_(None))
        .order_by(Helper.since, Helper.person_id)
    )
    return found.all()


# --- scanning ------------------------------------------------------------------------------------------------------


async def open_orders_at(
    session: AsyncSession, *, equipment_id: UUID | None, space_ids: Collection[UUID], person_id: UUID
) -> Sequence[WorkOrder]:
    """Orders there that are this person's or nobody's, and not done; theirs first, the most urgent first."""
    return (
        await session.scalars(
            select(WorkOrder)
            .where(
                _at(equipment_id, space_ids),
                WorkOrder.state.not_in(_OVER),
                or_(WorkOrder.assignee_id == person_id, WorkOrder.assignee_id.is_(None)),
            )
            .order_by(WorkOrder.assignee_id.is_(None), WorkOrder.priority, WorkOrder.opened_at, WorkOrder.id)
        )
    ).all()


def _at(equipment_id: UUID | None, space_ids: Collection[UUID]) -> ColumnElement[bool]:
    places = WorkOrder.space_id.in_(space_ids)
    return places if equipment_id is None else or_(WorkOrder.equipment_id == equipment_id, places)


# --- what there is -------------------------------------------------------------------------------------------------


async def photos(session: AsyncSession, work_order_id: UUID) -> Sequence[Attachment]:
    """Pictures of the work, oldest first; those of reports are their reporters'."""
    found = await session.scalars(
        select(Attachment)
        .where(Attachment.work_order_id == work_order_id, Attachment.report_id.is_(None))
        .order_by(Attachment.added_at)
    )
    return found.all()


async def photo(session: AsyncSession, *, work_order_id: UUID, photo_id: UUID) -> Attachment | None:
    return await session.scalar(
        select(Attachment).where(Attachment.id == photo_id, Attachment.work_order_id == work_order_id)
    )


async def closing_codes(session: AsyncSession, order: WorkOrder, *, limit: int) -> Sequence[str]:
    """What earlier orders of this equipment (without one: of this place) and category turned out to be, newest
    first."""
    if order.equipment_id is None and order.space_id is None:
        return []
    same = (
        WorkOrder.equipment_id == order.equipment_id
        if order.equipment_id is not None
        else WorkOrder.space_id == order.space_id
    )
    found = await session.scalars(
        select(WorkOrder.closing_code)
        .where(
            WorkOrder.site_id == order.site_id, same, WorkOrder.category == order.category, WorkOrder.id != order.id,
            WorkOrder.closing_code.is_not(None),
        )
        .order_by(WorkOrder.opened_at.desc(), WorkOrder.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [code for code in found if code is not None]


# --- contractors' links --------------------------------------------------------------------------------------------


async def contractor_link(session: AsyncSession, link_id: UUID) -> ContractorLink | None:
    return await session.get(ContractorLink, link_id)


async def contractor_link_of_site(session: AsyncSession, scope: Scope, link_id: UUID) -> ContractorLink | None:
    return await session.scalar(
        select(ContractorLink).where(ContractorLink.id == link_id, scope.where(ContractorLink.site_id))
    )
