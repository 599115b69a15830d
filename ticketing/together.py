"""Orders that came of one flood of alarms are told as one: each person hears once of the same, about the first of them.

Every order is there all the same, in its people's lists and on its way; and whatever a person does about one of them is
told as ever.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing import repository
from ticketing.kinds import Channel
from ticketing.models import WorkOrder


async def flood_key(session: AsyncSession, order: WorkOrder) -> str | None:
    """What messages about all orders of its flood are named for; None where the order stands alone. A matter of life,
    and what a person reported, always does."""
    if order.is_life_safety or order.channel != Channel.SENSOR:
        return None
    flood_id = await repository.flood_of_order(session, order.id)
    return None if flood_id is None else f"work_orders_of/{flood_id}"
