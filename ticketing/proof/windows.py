"""Begins the window in which telemetry may agree that work is done, and hears what alarms say meanwhile.

The timer is `proof_due_at` of the order; `ticketing.proof.proving` looks when it has come.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.service import AlarmLabel, AlarmService
from kit.access import Scope
from kit.clock import Clock
from ticketing import repository
from ticketing.errors import FieldInvalid
from ticketing.following import Step
from ticketing.kinds import ClosingCode, OrderState
from ticketing.models import WorkOrder, WorkOrderAlarm
from ticketing.proof.finding import Finding, check, has_fault, wants_proof
from ticketing.proof.verdict import Proof

# What a person's verdict on the order says about the alarms behind it; a duplicate says nothing about them.
_LABELS = {
    ClosingCode.REAL_FAULT: AlarmLabel.REAL_FAULT,
    ClosingCode.MISUSE: AlarmLabel.REAL_FAULT,
    ClosingCode.FALSE_ALARM: AlarmLabel.FALSE_ALARM,
    ClosingCode.NO_FAULT_FOUND: AlarmLabel.NO_FAULT_FOUND,
    ClosingCode.TEST: AlarmLabel.TEST,
}


class Windows:
    def __init__(self, alarms: AlarmService, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock

    async def begin(self, session: AsyncSession, step: Step) -> None:
        """What was found is written down, the alarms are labelled with it, and telemetry is given its time to agree.

        An order without an alarm behind it, or that repeats another, waits for a person. Raises FieldMissing,
        FieldInvalid.
        """
        order, code = step.order, step.words.closing_code
        if code is not None:
            await self._write_down(session, step, code)
        links = await repository.links_of_order(session, order.id)
        await self._ask_alarms(session, links, code, now=step.now)
        order.proof, order.proof_due_at = None, None
        if links and (code is None or wants_proof(code)):
            order.proof = Proof.PENDING.value
            order.proof_due_at = _first_look(order, links, done_at=step.now)

    def hear_return(self, order: WorkOrder, links: Sequence[WorkOrderAlarm]) -> None:
        """An alarm behind `order`, whose row is held, returned: what was unproved may be proved after all."""
        if order.state != OrderState.DONE or order.done_at is None:
            return
        if order.proof not in (Proof.PENDING, Proof.UNPROVED) or any(link.returned_at is None for link in links):
            return
        order.proof = Proof.PENDING.value
        order.proof_due_at = _first_look(order, links, done_at=order.done_at)

    async def _write_down(self, session: AsyncSession, step: Step, code: ClosingCode) -> None:
        order, words = step.order, step.words
        finding = Finding(
            code=code, fault_mode=words.fault_mode, cause=words.cause, remedy=words.remedy,
            duplicate_of=words.duplicate_of,
        )  # fmt: skip
        check(finding)
        if finding.duplicate_of is not None:
            await self._check_other(session, order, finding.duplicate_of)
        order.duplicate_of_id = finding.duplicate_of
        order.found_mode = (finding.fault_mode or order.fault_mode) if has_fault(code) else None
        order.cause, order.remedy = finding.cause, finding.remedy

    async def _check_other(self, session: AsyncSession, order: WorkOrder, other_id: UUID) -> None:
        """Whatever repeats what repeats this one is no work at all: nobody would do it. Raises FieldInvalid."""
        here, seen = Scope.of(order.site_id), {order.id}
        other = await repository.order(session, here, other_id)
        if other is None or other.state == OrderState.CANCELLED:
            raise FieldInvalid(field="duplicate_of", allowed="WO-…")
        while other is not None:
            if other.id in seen:
                raise FieldInvalid(field="duplicate_of", allowed="WO-…")
            seen.add(other.id)
            next_id = other.duplicate_of_id
            other = None if next_id is None else await repository.order(session, here, next_id)

    async def _ask_alarms(
        self, session: AsyncSession, links: Sequence[WorkOrderAlarm], code: ClosingCode | None, *, now: datetime
    ) -> None:
        label = _LABELS.get(code) if code else None
        for link in links:
            if label is not None:
                await self._alarms.label(session, alarm_id=link.alarm_id, label=label)
            alarm = await self._alarms.get(session, Scope.everywhere(), link.alarm_id)
            # What the alarm says now counts, muted as it may be and whichever event is still on its way.
            link.returned_at = None if alarm.is_present else link.returned_at or alarm.returned_at or now


def forget_pending(order: WorkOrder) -> None:
    """A person decided before telemetry did."""
    order.proof_due_at = None
    if order.proof == Proof.PENDING:
        order.proof = None


def forget_verdict(order: WorkOrder) -> None:
    """The work begins anew; that telemetry refuted it stays in sight until it is done again."""
    order.proof_due_at = None
    if order.proof != Proof.REFUTED:
        order.proof = None


def _first_look(order: WorkOrder, links: Sequence[WorkOrderAlarm], *, done_at: datetime) -> datetime:
    """When there may be a verdict: at the end of the window, or once all have been in band for long enough."""
    returned = [link.returned_at for link in links if link.returned_at is not None]
    if len(returned) < len(links):
        return done_at + timedelta(minutes=order.proof_window_min)
    return max([done_at, *returned]) + timedelta(minutes=order.proof_in_band_min)
