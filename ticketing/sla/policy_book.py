"""Policies: read, saved, and what they mean for an order. A change holds for orders that open from then on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from people.contractors.service import ContractorService
from ticketing.definitions.book import Definitions
from ticketing.sla import repository
from ticketing.sla.errors import (
    ContractUnknown,
    LevelInvalid,
    NotForWholeCompany,
    PolicyChanged,
    PolicyEmpty,
    PolicyExists,
    PolicyNotFound,
)
from ticketing.sla.levels import (
    BadLevel,
    chain_as_json,
    check_chain,
    check_counted_in,
    check_minutes,
    check_order_of,
    check_percent,
)
from ticketing.sla.models import ServicePolicy
from ticketing.sla.policies import About, Policy


@dataclass(frozen=True)
class PolicyFor:
    """Which orders a policy is for; None fits everything."""

    site_id: UUID | None = None
    kind: str | None = None
    priority: int | None = None
    contract_no: str | None = None


class PolicyBook:
    """What belongs to the company is changed by whoever may see every site."""

    def __init__(
        self, catalog: CatalogService, definitions: Definitions, contractors: ContractorService, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._definitions = definitions
        self._contractors = contractors
        self._clock = clock

    async def fitting(self, session: AsyncSession, about: About) -> list[Policy]:
        """The policies that speak of such an order."""
        return [_policy(row) for row in await repository.fitting(session, about)]

    async def find(self, session: AsyncSession, scope: Scope, *, site_id: UUID | None) -> Sequence[ServicePolicy]:
        """The company's and those of the caller's sites, general ones first. Raises SiteNotFound."""
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        return await repository.policies(session, scope, site_id=site_id)

    async def get(self, session: AsyncSession, scope: Scope, policy_id: UUID) -> ServicePolicy:
        """Raises PolicyNotFound."""
        return await self._row(session, scope, policy_id)

    async def create(
        self, session: AsyncSession, scope: Scope, meant: PolicyFor, *, name: str, says: Mapping[str, Any], by: UUID
    ) -> ServicePolicy:
        """Raises SiteNotFound, NotForWholeCompany, KindNotFound, ContractUnknown, LevelInvalid, PolicyEmpty,
        PolicyExists."""
        await self._check_may(session, scope, meant.site_id)
        row = ServicePolicy(id=new_id(), version=0)
        await self._save(session, row, meant, name=name, says=says, by=by)
        return row

    async def change(
        self, session: AsyncSession, scope: Scope, policy_id: UUID, meant: PolicyFor, *, name: str,
        says: Mapping[str, Any], version: int, by: UUID,
    ) -> ServicePolicy:  # fmt: skip
        """Puts this in the place of what it said. `version`: what the caller saw.

        Raises PolicyNotFound, PolicyChanged, and what `create` raises.
        """
        row = await self._row(session, scope, policy_id, lock=True)
        await self._check_may(session, scope, row.site_id)
        await self._check_may(session, scope, meant.site_id)
        if row.version != version:
            raise PolicyChanged(given_version=version, version=row.version)
        await self._save(session, row, meant, name=name, says=says, by=by)
        return row

    async def delete(self, session: AsyncSession, scope: Scope, policy_id: UUID) -> None:
        """Open orders keep what it said. Raises PolicyNotFound, NotForWholeCompany."""
        row = await self._row(session, scope, policy_id, lock=True)
        await self._check_may(session, scope, row.site_id)
        await session.delete(row)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _row(self, session: AsyncSession, scope: Scope, policy_id: UUID, *, lock: bool = False) -> ServicePolicy:
        row = await repository.policy(session, scope, policy_id, lock=lock)
        if row is None:
            raise PolicyNotFound(policy_id)
        return row

    async def _check_may(self, session: AsyncSession, scope: Scope, site_id: UUID | None) -> None:
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        elif scope.site_ids is not None:
            raise NotForWholeCompany

    async def _save(
        self, session: AsyncSession, row: ServicePolicy, meant: PolicyFor, *, name: str, says: Mapping[str, Any],
        by: UUID,
    ) -> None:  # fmt: skip
        checked = _checked(says)
        if not checked:
            raise PolicyEmpty
        await self._check_known(session, meant)
        with session.no_autoflush:  # the table's refusal is asked for below
            row.site_id, row.kind = meant.site_id, meant.kind
            row.priority, row.contract_no = meant.priority, meant.contract_no
            row.name, row.says, row.version = name, checked, row.version + 1
            row.changed_at, row.changed_by = self._clock.now(), by
            standing = await repository.standing_policy(session, row)
        if standing is not None or not await repository.save_policy(session, row):
            raise PolicyExists(standing)

    async def _check_known(self, session: AsyncSession, meant: PolicyFor) -> None:
        if meant.kind is not None:
            await self._definitions.kinds.latest(session, meant.kind)
        if meant.contract_no is None:
            return
        scope = Scope.everywhere() if meant.site_id is None else Scope.of(meant.site_id)
        known = await self._contractors.contracts(session, scope)
        if meant.contract_no not in {contract.number for contract in known}:
            raise ContractUnknown(meant.contract_no)


def _checked(says: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy says, in its JSON form. Raises LevelInvalid."""
    kept: dict[str, Any] = {}
    try:
        for name, value in says.items():
            kept[name] = _AS_JSON[name](name, value)
        check_order_of(kept)
    except BadLevel as error:
        raise LevelInvalid(field=error.field, allowed=error.allowed) from None
    return kept


def _chain_as_json(field: str, value: Any) -> list[dict[str, Any]]:
    return chain_as_json(check_chain(field, value))


def _counted_as_json(field: str, value: Any) -> str:
    return check_counted_in(field, value).value


_MINUTES = dict.fromkeys(("response_min", "arrival_min", "resolution_min", "appointment_min"), check_minutes)
_AS_JSON = {**_MINUTES, "counted_in": _counted_as_json, "warn_pct": check_percent, "chain": _chain_as_json}
_AS_VALUE = {**_MINUTES, "counted_in": check_counted_in, "warn_pct": check_percent, "chain": check_chain}


def _policy(row: ServicePolicy) -> Policy:
    return Policy(
        source=f"{row.name} ({row.id})", says={name: _AS_VALUE[name](name, value) for name, value in row.says.items()},
        site_id=row.site_id, kind=row.kind, priority=row.priority, contract_no=row.contract_no,
    )  # fmt: skip
