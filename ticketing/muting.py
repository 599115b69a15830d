"""Alarms that an open order makes a nuisance of are muted, in the order's own transaction. Life safety never is.

Nobody is there yet: the same fault again is no news, another fault is. Somebody works on the equipment: whatever it
says is their doing. The work is said to be done: it must speak freely, for that is the proof.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.service import AlarmService
from ticketing.kinds import SETTLED, OrderState
from ticketing.models import WorkOrder

WHOLE_EQUIPMENT = "*"
_AT_WORK = frozenset({OrderState.ON_SITE, OrderState.IN_PROGRESS})


def muted_by(*, state: OrderState, fault_mode: str | None) -> str | None:
    """The fault mode that an order in `state` mutes, WHOLE_EQUIPMENT for all of them, None for nothing."""
    if state is OrderState.DONE or state in SETTLED:
        return None
    return WHOLE_EQUIPMENT if state in _AT_WORK else fault_mode


class Muting:
    def __init__(self, alarms: AlarmService) -> None:
        self._alarms = alarms

    async def adjust(self, session: AsyncSession, order: WorkOrder) -> None:
        """Mutes and releases what the order's state asks for; doing it again changes nothing."""
        if order.equipment_id is None:
            return
        wanted = muted_by(state=OrderState(order.state), fault_mode=order.fault_mode)
        if wanted == order.muted:
            return
        before, order.inhibition_id, order.muted = order.inhibition_id, None, wanted
        if wanted is not None:
            order.inhibition_id = await self._alarms.inhibit(
                session,
                equipment_id=order.equipment_id,
                reason=order.number,
                fault_mode=None if wanted == WHOLE_EQUIPMENT else wanted,
            )
        if before is not None:
            await self._alarms.release(session, inhibition_id=before)
