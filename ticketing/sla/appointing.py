"""The owner's appointment: somebody comes at that time, and until then nobody is late."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.errors import StaleWorkOrder, WorkOrderNotFound
from ticketing.events import WorkOrderChanged
from ticketing.journal import Entry, record
from ticketing.moving import check_ahead
from ticketing.sla.errors import AppointmentTooLate, NoAppointment
from ticketing.sla.keeping import LevelKeeping, is_over


class Appointments:
    def __init__(self, keeping: LevelKeeping, clock: Clock) -> None:
        self._keeping = keeping
        self._clock = clock

    async def set(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, at: datetime | None, actor: Actor,
        why: str | None, version: int | None,
    ) -> None:  # fmt: skip
        """Makes, moves or (None) drops the appointment.

        Raises WorkOrderNotFound, StaleWorkOrder, FieldInvalid (not ahead), NoAppointment, AppointmentTooLate.
        """
        order = await repository.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        if version is not None and version != order.version:
            raise StaleWorkOrder(given_version=version, version=order.version)
        if order.is_life_safety:
            raise NoAppointment(order.number)
        if order.arrived_at is not None or is_over(order):
            raise AppointmentTooLate(order.number)
        now = self._clock.now()
        check_ahead(now=now, appointment_at=at)
        before = order.appointment_at
        self._keeping.appoint(order, at)
        order.version += 1
        record(
            session, order, Entry.EDITED, at=now, actor_id=actor.person_id, why=why,
            before={"appointment_at": _text(before)}, after={"appointment_at": _text(at)},
        )  # fmt: skip
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
