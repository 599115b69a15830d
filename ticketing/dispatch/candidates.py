"""What the scorer is told: of an order what it asks for, of the people who may be asked who, where and how busy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from people.contractors.service import ContractorService
from people.contractors.views import ContractView
from people.kinds import PersonKind
from people.service import PeopleService
from people.views import Candidate
from ticketing import repository as orders_repository
from ticketing.dispatch import repository
from ticketing.dispatch.distance import Spot
from ticketing.dispatch.needs import Need, equipment_kinds, need_of
from ticketing.dispatch.repository import Unbegun
from ticketing.dispatch.scoring import Bidder
from ticketing.kinds import Category, Procedure
from ticketing.models import WorkOrder

# Fairness looks back a week: long enough to even out, short enough that holidays do not count for ever.
FAIRNESS_WINDOW = timedelta(days=7)
# Where somebody arrived in an earlier shift says nothing about where they are.
WHEREABOUTS_WINDOW = timedelta(hours=12)


class Candidates:
    def __init__(
        self, people: PeopleService, contractors: ContractorService, catalog: CatalogService, clock: Clock
    ) -> None:
        self._people = people
        self._contractors = contractors
        self._catalog = catalog
        self._clock = clock

    async def need(self, session: AsyncSession, order: WorkOrder) -> Need:
        """What an order asks for now: with whoever maintains its equipment today and whoever repaired it last."""
        need = _plain_need(order)
        menders = await repository.last_menders(session, [order.equipment_id]) if order.equipment_id else {}
        spots = await self.spots(session, order.site_id)
        return replace(
            need,
            site_id=order.site_id,
            contractor_id=await self._contractor_of(session, order, need),
            fixed_by=menders.get(order.equipment_id) if order.equipment_id else None,
            spot=spots.get(order.building_id) if order.building_id else None,
        )

    async def needs(self, session: AsyncSession, site_id: UUID, orders: Sequence[Unbegun]) -> list[Need]:
        """The same of many orders of a site, in a few queries."""
        equipment_ids = {order.equipment_id for order in orders if order.equipment_id}
        contracts = await self._contractors.contracts_on(
            session, equipment_ids=equipment_ids, on=await self._today(session, site_id)
        )
        menders = await repository.last_menders(session, equipment_ids)
        spots = await self.spots(session, site_id)
        found: list[Need] = []
        for order in orders:
            contract = contracts.get(order.equipment_id) if order.equipment_id else None
            need = need_of(
                procedure=Procedure(order.procedure), category=Category(order.category),
                equipment_kind=EquipmentKind(order.equipment_kind) if order.equipment_kind else None,
            )  # fmt: skip
            found.append(
                replace(
                    need, site_id=site_id, contractor_id=contract.contractor_id if contract else order.contractor_id,
                    fixed_by=menders.get(order.equipment_id) if order.equipment_id else None,
                    spot=spots.get(order.building_id) if order.building_id else None,
                )
            )  # fmt: skip
        return found

    async def here(self, session: AsyncSession, site_id: UUID) -> list[Bidder]:
        """Everybody on shift or on call at the site now."""
        return await self.bidders(
            session, site_id, await self._people.candidates(session, site_id=site_id, at=self._clock.now())
        )

    async def as_bidder(self, session: AsyncSession, site_id: UUID, person_id: UUID) -> list[Bidder]:
        """Somebody as they are at the site now, once for each duty; nothing where they are not on shift or on call."""
        here = await self._people.candidates(session, site_id=site_id, at=self._clock.now())
        return await self.bidders(session, site_id, [one for one in here if one.person_id == person_id])

    async def bidders(self, session: AsyncSession, site_id: UUID, candidates: Iterable[Candidate]) -> list[Bidder]:
        found, now = list(candidates), self._clock.now()
        ids = {one.person_id for one in found}
        load = await orders_repository.loads(session, ids)
        recent = await orders_repository.offers_since(session, ids, since=now - FAIRNESS_WINDOW)
        employers = await self._contractors.employers(session, site_id=site_id, person_ids=ids)
        buildings = await repository.last_buildings(session, ids, since=now - WHEREABOUTS_WINDOW)
        spots = await self.spots(session, site_id) if buildings else {}
        return [
            Bidder(
                person_id=one.person_id,
                name=one.name,
                duty=one.duty,
                skills=frozenset(one.skills),
                certified_skills=frozenset(one.certified_skills),
                building_ids=one.building_ids,
                open_orders=load.get(one.person_id, 0),
                recent_orders=recent.get(one.person_id, 0),
                site_id=site_id,
                is_contractor=one.kind is PersonKind.CONTRACTOR,
                contractor_id=employers.get(one.person_id),
                spot=_spot(spots, buildings.get(one.person_id)),
                shift_left_min=_minutes_left(one.shift_ends_at, now),
            )
            for one in found
        ]

    async def spots(self, session: AsyncSession, site_id: UUID) -> dict[UUID, Spot]:
        """The buildings of a site with their coordinates."""
        return {
            one.id: Spot(one.id, one.latitude, one.longitude)
            for one in await self._catalog.find_buildings(session, site_id)
        }

    async def contract(self, session: AsyncSession, order: WorkOrder) -> ContractView | None:
        """Who maintains the order's equipment today, and how soon they promised to come."""
        if order.equipment_id is None:
            return None
        return await self._contractors.contract_of(
            session, site_id=order.site_id, equipment_id=order.equipment_id,
            on=await self._today(session, order.site_id),
        )  # fmt: skip

    async def _contractor_of(self, session: AsyncSession, order: WorkOrder, need: Need) -> UUID | None:
        if order.equipment_id is not None:
            contract = await self.contract(session, order)
            return contract.contractor_id if contract else None
        if not need.certified:
            return None
        today = await self._today(session, order.site_id)
        return await self._contractors.maintainer_near(
            session, site_id=order.site_id, building_id=order.building_id, kinds=equipment_kinds(need.skill), on=today
        )

    async def _today(self, session: AsyncSession, site_id: UUID) -> date:
        site = await self._catalog.site(session, Scope.of(site_id), site_id)
        return self._clock.now().astimezone(ZoneInfo(site.timezone)).date()


def is_special(order: WorkOrder) -> bool:
    """Whether the law wants a certificate for its repair."""
    return _plain_need(order).certified


def _plain_need(order: WorkOrder) -> Need:
    return need_of(
        procedure=Procedure(order.procedure),
        category=Category(order.category),
        equipment_kind=EquipmentKind(order.equipment_kind) if order.equipment_kind else None,
    )


def _spot(spots: Mapping[UUID, Spot], building_id: UUID | None) -> Spot | None:
    return spots.get(building_id) if building_id else None


def _minutes_left(ends_at: datetime | None, now: datetime) -> float | None:
    return None if ends_at is None else (ends_at - now).total_seconds() / 60
