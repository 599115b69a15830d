"""Contractors of a site: the companies, their people, and which equipment they maintain until when."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.service import CatalogService
from kit.access import Scope
from kit.versions import check_version, touch
from people import repository as people_repository
from people.contractors import repository
from people.contractors.errors import (
    AlreadyMaintained,
    ContractEndsEarly,
    ContractNotFound,
    ContractorNameTaken,
    ContractorNotFound,
    NoContractorsPerson,
)
from people.contractors.models import Contractor, ContractorContact, MaintenanceContract
from people.contractors.views import ContactView, ContractorPersonView, ContractorView, ContractView
from people.errors import PersonNotFound
from people.kinds import PersonKind


@dataclass(frozen=True)
class NewContract:
    """The same terms for several pieces of equipment: a contract row each. `arrival_min` in minutes."""

    contractor_id: UUID
    equipment_ids: tuple[UUID, ...]
    number: str
    starts_on: date
    ends_on: date | None
    arrival_min: float


class ContractorService:
    """Rows outside the scope are not found. `scope` is where the caller may do such a thing."""

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    # --- what other rooms ask -------------------------------------------------------------------------------------

    async def contract_of(
        self, session: AsyncSession, *, site_id: UUID, equipment_id: UUID, on: date
    ) -> ContractView | None:
        """Who maintains an equipment on a local day of its site; None: nobody does."""
        found = await self.contracts_on(session, equipment_ids=[equipment_id], on=on)
        contract = found.get(equipment_id)
        return contract if contract is not None and contract.site_id == site_id else None

    async def contracts_on(
        self, session: AsyncSession, *, equipment_ids: Collection[UUID], on: date
    ) -> dict[UUID, ContractView]:
        """The contract of each equipment that somebody maintains that day."""
        if not equipment_ids:
            return {}
        rows = await repository.in_force(session, equipment_ids=equipment_ids, on=on)
        return {one.equipment_id: one for one in await self._contract_views(session, rows)}

    async def maintainer_near(
        self,
        session: AsyncSession,
        *,
        site_id: UUID,
        building_id: UUID | None,
        kinds: Collection[EquipmentKind],
        on: date,
    ) -> UUID | None:
        """Who maintains most of such equipment in the building, or else at the site; None: nobody does.

        For work whose equipment nobody named: "the elevator of 3栋".
        """
        for place in dict.fromkeys((building_id, None)):
            such = self._catalog.equipment_ids(site_id=site_id, kinds=kinds, building_id=place)
            found = await repository.maintains_most(session, among=such, on=on)
            if found is not None:
                return found
        return None

    async def employers(
        self, session: AsyncSession, *, site_id: UUID, person_ids: Collection[UUID]
    ) -> dict[UUID, UUID]:
        """For whom people work at a site: contractor ids by person id."""
        return await repository.employers(session, site_id=site_id, person_ids=person_ids) if person_ids else {}

    # --- companies ------------------------------------------------------------------------------------------------

    async def contractors(self, session: AsyncSession, scope: Scope, site_id: UUID | None) -> list[ContractorView]:
        return await self._views(session, await repository.find(session, scope, site_id))

    async def contractor(self, session: AsyncSession, scope: Scope, contractor_id: UUID) -> ContractorView:
        """Raises ContractorNotFound."""
        (view,) = await self._views(session, [await self._row(session, scope, contractor_id)])
        return view

    async def create(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID,
        name: str,
        license_no: str | None = None,
        hotline: str | None = None,
    ) -> UUID:
        """Raises SiteNotFound, ContractorNameTaken."""
        await self._catalog.site(session, scope, site_id)
        row = Contractor(site_id=site_id, license_no=license_no, hotline=hotline)
        await self._save(session, row, {"name": name})
        return row.id

    async def change(
        self, session: AsyncSession, scope: Scope, contractor_id: UUID, changes: Mapping[str, Any],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """Sets the columns named in `changes`. Raises ContractorNotFound, StaleEdit, ContractorNameTaken."""
        row = await self._held(session, scope, contractor_id, version)
        await self._save(session, row, changes)

    async def set_contacts(
        self, session: AsyncSession, scope: Scope, contractor_id: UUID, contacts: Sequence[ContactView],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """Whom to call, first one first; whoever was there before goes. Raises ContractorNotFound, StaleEdit."""
        row = await self._held(session, scope, contractor_id, version)
        touch(row)
        rows = [
            ContractorContact(site_id=row.site_id, contractor_id=row.id, position=position, **vars(contact))
            for position, contact in enumerate(contacts)
        ]
        await repository.replace_contacts(session, row.id, rows)

    async def set_people(
        self, session: AsyncSession, scope: Scope, contractor_id: UUID, person_ids: Collection[UUID],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """Who works for them here. Raises ContractorNotFound, StaleEdit, PersonNotFound, NoContractorsPerson."""
        row = await self._held(session, scope, contractor_id, version)
        touch(row)
        for person_id in person_ids:
            person = await people_repository.person(session, Scope.of(row.site_id), person_id)
            if person is None:
                raise PersonNotFound(person_id)
            if person.kind != PersonKind.CONTRACTOR:
                raise NoContractorsPerson(person.name)
        await repository.replace_people(session, site_id=row.site_id, contractor_id=row.id, person_ids=person_ids)

    # --- contracts ------------------------------------------------------------------------------------------------

    async def contracts(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        contractor_id: UUID | None = None,
        equipment_id: UUID | None = None,
        on: date | None = None,
    ) -> list[ContractView]:
        """Contracts by equipment; `on` narrows to those in force that day."""
        rows = await repository.contracts(
            session, scope, site_id=site_id, contractor_id=contractor_id, equipment_id=equipment_id, on=on
        )
        return sorted(
            await self._contract_views(session, rows), key=lambda one: (one.equipment_code, one.starts_on, one.id)
        )

    async def add_contracts(self, session: AsyncSession, scope: Scope, new: NewContract) -> list[ContractView]:
        """All of them or none. Raises ContractorNotFound, EquipmentNotFound, ContractEndsEarly, AlreadyMaintained."""
        contractor = await self._row(session, scope, new.contractor_id)
        if new.ends_on is not None and new.ends_on < new.starts_on:
            raise ContractEndsEarly(new.starts_on)
        added = [await self._add_contract(session, contractor, new, one) for one in dict.fromkeys(new.equipment_ids)]
        rows = [await repository.contract(session, scope, contract_id) for contract_id in added]
        return await self._contract_views(session, rows)

    async def change_contract(
        self, session: AsyncSession, scope: Scope, contract_id: UUID, changes: Mapping[str, Any],
        *, version: int | None = None,
    ) -> ContractView:  # fmt: skip
        """Raises ContractNotFound, StaleEdit, ContractEndsEarly, AlreadyMaintained."""
        found = await self._held_contract(session, scope, contract_id, version)
        row: MaintenanceContract = found.MaintenanceContract
        ends_on = changes.get("ends_on", row.ends_on)
        if ends_on is not None and ends_on < row.starts_on:
            raise ContractEndsEarly(row.starts_on)
        codes = await self._catalog.equipment_codes(session, [row.equipment_id])
        await self._save_contract(session, row, changes, equipment=codes.get(row.equipment_id, "—"))
        return _contract_view(found, codes)

    async def remove_contract(
        self, session: AsyncSession, scope: Scope, contract_id: UUID, *, version: int | None = None
    ) -> None:
        """One that was entered by mistake; what runs out is given its last day. Raises ContractNotFound, StaleEdit."""
        found = await self._held_contract(session, scope, contract_id, version)
        await session.delete(found.MaintenanceContract)

    # --- private --------------------------------------------------------------------------------------------------

    async def _row(self, session: AsyncSession, scope: Scope, contractor_id: UUID) -> Contractor:
        row = await repository.contractor(session, scope, contractor_id)
        if row is None:
            raise ContractorNotFound(contractor_id)
        return row

    async def _held(self, session: AsyncSession, scope: Scope, contractor_id: UUID, version: int | None) -> Contractor:
        """The row, kept for this edit. Raises ContractorNotFound, and StaleEdit when it is not the version seen."""
        row = await repository.held_contractor(session, scope, contractor_id)
        if row is None:
            raise ContractorNotFound(contractor_id)
        check_version(row, version)
        return row

    async def _held_contract(self, session: AsyncSession, scope: Scope, contract_id: UUID, version: int | None) -> Any:
        found = await repository.held_contract(session, scope, contract_id)
        if found is None:
            raise ContractNotFound(contract_id)
        check_version(found.MaintenanceContract, version)
        return found

    async def _contract_views(self, session: AsyncSession, rows: Sequence[Any]) -> list[ContractView]:
        codes = await self._catalog.equipment_codes(session, {row.MaintenanceContract.equipment_id for row in rows})
        return [_contract_view(row, codes) for row in rows]

    async def _views(self, session: AsyncSession, rows: Sequence[Contractor]) -> list[ContractorView]:
        ids = [row.id for row in rows]
        contacts: dict[UUID, list[ContactView]] = defaultdict(list)
        for one in await repository.contacts(session, ids):
            contacts[one.contractor_id].append(ContactView(one.name, one.title, one.phone))
        people: dict[UUID, list[ContractorPersonView]] = defaultdict(list)
        for contractor_id, person_id, name in await repository.people(session, ids):
            people[contractor_id].append(ContractorPersonView(person_id, name))
        return [
            ContractorView(
                row.id, row.site_id, row.name, row.license_no, row.hotline, row.is_active, tuple(contacts[row.id]),
                tuple(people[row.id]), row.version,
            )
            for row in rows
        ]  # fmt: skip

    async def _save(self, session: AsyncSession, row: Contractor, changes: Mapping[str, Any]) -> None:
        try:
            async with session.begin_nested():
                # Inside: what is changed before a savepoint is written before it.
                _set(row, changes)
                session.add(row)
        except IntegrityError:
            raise ContractorNameTaken(str(changes.get("name", ""))) from None

    async def _add_contract(
        self, session: AsyncSession, contractor: Contractor, new: NewContract, equipment_id: UUID
    ) -> UUID:
        equipment = await self._catalog.equipment(session, Scope.of(contractor.site_id), equipment_id)
        row = MaintenanceContract(
            site_id=contractor.site_id, contractor_id=contractor.id, equipment_id=equipment_id, starts_on=new.starts_on
        )
        terms = {"number": new.number, "ends_on": new.ends_on, "arrival_min": new.arrival_min}
        await self._save_contract(session, row, terms, equipment=equipment.code)
        return row.id

    async def _save_contract(
        self, session: AsyncSession, row: MaintenanceContract, changes: Mapping[str, Any], *, equipment: str
    ) -> None:
        site_id, equipment_id, contract_id = row.site_id, row.equipment_id, row.id
        starts_on, ends_on = row.starts_on, changes.get("ends_on", row.ends_on)
        try:
            async with session.begin_nested():
                _set(row, changes)
                session.add(row)
        except IntegrityError:
            standing = await repository.contracts(session, Scope.of(site_id), equipment_id=equipment_id)
            names = [
                one.name
                for one in standing
                if one.MaintenanceContract.id != contract_id and _overlap(one.MaintenanceContract, starts_on, ends_on)
            ]
            raise AlreadyMaintained(equipment=equipment, by_name=next(iter(names), "—")) from None


def _set(row: Contractor | MaintenanceContract, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)


def _overlap(row: MaintenanceContract, starts_on: date, ends_on: date | None) -> bool:
    return row.starts_on <= (ends_on or date.max) and starts_on <= (row.ends_on or date.max)


def _contract_view(row: Any, codes: Mapping[UUID, str]) -> ContractView:
    one: MaintenanceContract = row.MaintenanceContract
    code = codes.get(one.equipment_id, "—")
    return ContractView(
        one.id, one.site_id, one.contractor_id, row.name, one.equipment_id, code, one.number, one.starts_on,
        one.ends_on, one.arrival_min, one.version,
    )  # fmt: skip
