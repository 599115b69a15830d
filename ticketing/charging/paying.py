"""Who pays for an order: decided when it opens, decided again when somebody knows more, shown before work starts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.errors import BuildingNotFound, EquipmentNotFound
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from people.service import PeopleService
from ticketing.actor import Actor
from ticketing.charging import repository
from ticketing.charging.coverage import STATUTORY_YEARS, is_work, last_day, parts_of
from ticketing.charging.errors import WarrantyBackwards, WarrantyNotFound
from ticketing.charging.models import WarrantyTerm
from ticketing.charging.payer import (
    CoveredPart,
    Matter,
    Payer,
    PayerPolicy,
    PayerReason,
    PayerRule,
    Verdict,
    Warranty,
    decide,
)
from ticketing.charging.site_policy import SitePolicy
from ticketing.draft import Draft
from ticketing.errors import NotYourOrder, PlaceNotFound
from ticketing.events import WorkOrderChanged
from ticketing.flow import Hat
from ticketing.holding import held
from ticketing.journal import Entry, record
from ticketing.kinds import Category
from ticketing.models import WorkOrder


@dataclass(frozen=True)
class Known:
    """What somebody found out about an order; None leaves it as it is taken to be."""

    part: CoveredPart | None = None
    is_in_home: bool | None = None
    somebody_at_fault: bool | None = None
    person_at_fault_id: UUID | None = None
    expected_cost: Decimal | None = None

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Known":
        raw = facts.get("known") or {}
        cost, person_id = raw.get("expected_cost"), raw.get("person_at_fault_id")
        return cls(
            part=CoveredPart(raw["part"]) if raw.get("part") else None,
            is_in_home=raw.get("is_in_home"),
            somebody_at_fault=raw.get("somebody_at_fault"),
            person_at_fault_id=UUID(person_id) if person_id else None,
            expected_cost=Decimal(cost) if cost is not None else None,
        )

    def over(self, before: "Known") -> "Known":
        """This, and where it says nothing what was known before."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return Known(**(asdict(before) | said))

    def to_json(self) -> dict[str, Any]:
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: str(value) if isinstance(value, UUID | Decimal) else value for name, value in values.items()}


@dataclass(frozen=True)
class NewWarranty:
    """Of one equipment, of one building, or (neither) of the whole site. Both days included."""

    site_id: UUID
    part: CoveredPart
    provider: str
    starts_on: date
    ends_on: date
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    note: str = ""


class Paying:
    def __init__(self, *, catalog: CatalogService, people: PeopleService, policy: SitePolicy, clock: Clock) -> None:
        self._catalog = catalog
        self._people = people
        self._policy = policy
        self._clock = clock

    # --- orders ---------------------------------------------------------------------------------------------------

    async def begin(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """The payer of an order that opens."""
        _keep(order, await self._verdict(session, order, Known()), Known())

    async def tell(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, known: Known,
        said: Payer | None, why: str | None,
    ) -> WorkOrder:  # fmt: skip
        """Somebody knows more, and it is decided again. `said`: a manager's word, with its reason, over every rule.

        Raises WorkOrderNotFound, NotYourOrder, PersonNotFound.
        """
        order = await held(session, scope, work_order_id)
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        wanted = {Hat.MANAGER} if said is not None else {Hat.ASSIGNEE, Hat.DISPATCHER, Hat.MANAGER}
        if not wanted & hats:
            raise NotYourOrder(action="set_payer", who=sorted(hat.value for hat in wanted))
        if known.person_at_fault_id is not None:
            await self._people.person(session, Scope.of(order.site_id), known.person_at_fault_id)
        before = order.payer
        known = known.over(Known.of(order.payer_facts))
        verdict = await self._verdict(session, order, known)
        if said is not None:
            verdict = Verdict(said, (PayerReason(PayerRule.SAID_SO, {"why": why or "—"}), *verdict.reasons))
        _keep(order, verdict, known)
        record(
            session, order, Entry.PAYER_SET, at=self._clock.now(), actor_id=actor.person_id, why=why,
            before={"payer": before}, after={"payer": order.payer, "rule": verdict.reasons[0].rule.value},
        )  # fmt: skip
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        return order

    async def _verdict(self, session: AsyncSession, order: WorkOrder, known: Known) -> Verdict:
        category = Category(order.category)
        kind = EquipmentKind(order.equipment_kind) if order.equipment_kind else None
        guessed = parts_of(category=category, equipment_kind=kind)
        matter = Matter(
            today=await self._today(session, order.site_id),
            is_work=is_work(category),
            is_in_home=await self._is_in_home(session, order) if known.is_in_home is None else known.is_in_home,
            parts=frozenset({known.part}) if known.part else guessed,
            is_part_known=known.part is not None or len(guessed) == 1,
            warranties=await self._warranties(session, order),
            somebody_at_fault=bool(known.somebody_at_fault),
            expected_cost=known.expected_cost,
        )
        policy = await self._policy.of(session, order.site_id)
        return decide(matter, PayerPolicy(fund_from=policy.fund_from))

    async def _is_in_home(self, session: AsyncSession, order: WorkOrder) -> bool:
        """In a home, and not about equipment, which is everybody's."""
        if order.space_id is None or order.equipment_id is not None:
            return False
        return order.space_id in await self._catalog.rooms(session, [order.space_id])

    async def _warranties(self, session: AsyncSession, order: WorkOrder) -> list[Warranty]:
        rows = await repository.warranties_over(session, order)
        return [
            Warranty(CoveredPart(row.part), row.provider, await self._place(session, row), row.starts_on, row.ends_on)
            for row in rows
        ]

    async def _place(self, session: AsyncSession, row: WarrantyTerm) -> str:
        scope = Scope.of(row.site_id)
        if row.equipment_id is not None:
            return (await self._catalog.equipment(session, scope, row.equipment_id)).name
        if row.building_id is not None:
            return (await self._catalog.building(session, scope, row.building_id)).name
        return (await self._catalog.site(session, scope, row.site_id)).name

    async def _today(self, session: AsyncSession, site_id: UUID) -> date:
        """Warranties end with a day of the site."""
        site = await self._catalog.site(session, Scope.everywhere(), site_id)
        return self._clock.now().astimezone(ZoneInfo(site.timezone)).date()

    # --- warranties -----------------------------------------------------------------------------------------------

    async def add_warranty(
        self, session: AsyncSession, scope: Scope, new: NewWarranty, *, by: UUID | None
    ) -> WarrantyTerm:
        """Raises SiteNotFound, PlaceNotFound, WarrantyBackwards. Open orders keep what they were told."""
        if new.ends_on < new.starts_on:
            raise WarrantyBackwards(starts_on=new.starts_on, ends_on=new.ends_on)
        await self._catalog.site(session, scope, new.site_id)
        await self._check_place(session, new)
        row = WarrantyTerm(**asdict(new) | {"part": new.part.value}, entered_by=by, entered_at=self._clock.now())
        session.add(row)
        await session.flush()
        return row

    async def add_statutory(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, building_id: UUID | None, provider: str,
        accepted_on: date, by: UUID | None,
    ) -> list[WarrantyTerm]:  # fmt: skip
        """The terms that the law gives from the day of acceptance on, a row a part. Raises as `add_warranty`."""
        return [
            await self.add_warranty(
                session, scope,
                NewWarranty(
                    site_id=site_id, building_id=building_id, part=part, provider=provider, starts_on=accepted_on,
                    ends_on=last_day(accepted_on, years=years),
                ),
                by=by,
            )
            for part, years in STATUTORY_YEARS.items()
        ]  # fmt: skip

    async def end_warranty(self, session: AsyncSession, scope: Scope, warranty_id: UUID) -> None:
        """It was entered by mistake, or given up. Raises WarrantyNotFound."""
        row = await repository.warranty(session, scope, warranty_id)
        if row is None:
            raise WarrantyNotFound(warranty_id)
        row.ended_at = self._clock.now()

    async def find_warranties(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
    ) -> tuple[Sequence[WarrantyTerm], int]:
        """Those not ended, soonest to end first."""
        return await repository.find_warranties(session, scope, site_id=site_id, limit=limit, offset=offset)

    async def _check_place(self, session: AsyncSession, new: NewWarranty) -> None:
        here = Scope.of(new.site_id)
        try:
            if new.equipment_id is not None:
                await self._catalog.equipment(session, here, new.equipment_id)
            if new.building_id is not None:
                await self._catalog.building(session, here, new.building_id)
        except (EquipmentNotFound, BuildingNotFound):
            raise PlaceNotFound(place_id=new.equipment_id or new.building_id or new.site_id) from None


def _keep(order: WorkOrder, verdict: Verdict, known: Known) -> None:
    order.payer = verdict.payer.value
    order.payer_facts = {
        "reasons": [{"rule": one.rule.value, "facts": one.facts} for one in verdict.reasons],
        "known": known.to_json(),
    }
