"""The published price lists of the company and its sites."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from ticketing import repository as orders
from ticketing.charging import repository
from ticketing.charging.errors import PriceListNotFound, PriceListTooLate
from ticketing.charging.models import PriceListVersion
from ticketing.charging.prices import PriceList, effective, parse_prices


class PriceLists:
    def __init__(self, *, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def publish(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, effective_from: date,
        items: Sequence[Mapping[str, Any]], by: UUID | None,
    ) -> PriceListVersion:  # fmt: skip
        """Saves the next version. `site_id` None: the company's, for callers who may everywhere.

        Raises SiteNotFound, PriceListInvalid, PriceListTooLate.
        """
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        prices = parse_prices(items)
        await orders.lock_name(session, f"price-list/{site_id}")
        last = await repository.latest_price_list(session, site_id)
        if last is not None and effective_from < last.effective_from:
            raise PriceListTooLate(effective_from=effective_from, follows=last.effective_from)
        row = PriceListVersion(
            id=new_id(), site_id=site_id, version=last.version + 1 if last else 1, effective_from=effective_from,
            items=_document(prices), saved_by=by, saved_at=self._clock.now(),
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return row

    async def versions(self, session: AsyncSession, scope: Scope, site_id: UUID) -> Sequence[PriceListVersion]:
        """The site's own and the company's, newest first. Raises SiteNotFound."""
        await self._catalog.site(session, scope, site_id)
        return await repository.price_lists(session, site_id)

    async def current(self, session: AsyncSession, scope: Scope, site_id: UUID) -> PriceListVersion:
        """What holds today, by the site's calendar. Raises SiteNotFound, PriceListNotFound."""
        site = await self._catalog.site(session, scope, site_id)
        today = self._clock.now().astimezone(ZoneInfo(site.timezone)).date()
        found = effective(await repository.price_lists(session, site_id), day=today)
        if found is None:
            raise PriceListNotFound(today)
        return found

    async def standing(self, session: AsyncSession, site_id: UUID) -> tuple[UUID | None, PriceList]:
        """What holds today; an empty list where nothing is published."""
        try:
            row = await self.current(session, Scope.everywhere(), site_id)
        except PriceListNotFound:
            return None, PriceList(())
        return row.id, parse_prices(row.items)


def _document(prices: PriceList) -> list[Any]:
    return [
        {
            "code": one.code, "names": dict(one.names), "kind": one.kind.value, "unit": one.unit,
            "price": str(one.price),
        }
        for one in prices.items
    ]  # fmt: skip
