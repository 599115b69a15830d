"""Who is told that parts run low: the storekeeper, and where there is none the duty manager."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from notify.service import Notice, NotifyService
from people.service import PeopleService
from stock.events import StockRanLow
from stock.service import StockService


class StockTelling:
    def __init__(self, *, stock: StockService, people: PeopleService, notify: NotifyService) -> None:
        self._stock = stock
        self._people = people
        self._notify = notify

    async def on_ran_low(self, session: AsyncSession, event: StockRanLow) -> None:
        """Once a fall below the minimum."""
        here = Scope.of(event.site_id)
        house = await self._stock.storehouse(session, here, event.storehouse_id)
        level = await self._stock.level(session, here, storehouse_id=event.storehouse_id, part_id=event.part_id)
        keeper_id = house.keeper_id or (await self._people.duty_manager(session, event.site_id)).person_id
        facts = {
            "part": level.part_name, "storehouse": house.name, "available": f"{level.available:f} {level.unit}",
            "minimum": f"{level.minimum:f} {level.unit}",
        }  # fmt: skip
        await self._notify.tell(
            session,
            Notice(
                key=f"stock-low/{event.occasion_id}", person_id=keeper_id, template="staff.stock_low", facts=facts,
                site_id=event.site_id,
            ),
        )  # fmt: skip
