"""The policies of sites: what is in force, its versions, saving, going back."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from notify.alerting import delivery_repository, repository
from notify.alerting.checking import problems
from notify.alerting.documents import document_of, policy_of, shipped
from notify.alerting.errors import AlertPolicyChanged, AlertPolicyInvalid, AlertPolicyVersionNotFound
from notify.alerting.models import AlertPolicy
from notify.alerting.policy import Policy
from people.service import PeopleService


@dataclass(frozen=True)
class InForce:
    """`version` 0: what the hub came with."""

    version: int
    policy: Policy
    saved: AlertPolicy | None = None


class AlertPolicies:
    def __init__(self, *, catalog: CatalogService, people: PeopleService, clock: Clock) -> None:
        self._catalog = catalog
        self._people = people
        self._clock = clock
        self._shipped = shipped()

    async def in_force(self, session: AsyncSession, site_id: UUID) -> InForce:
        row = await repository.current_policy(session, site_id)
        return InForce(0, self._shipped) if row is None else InForce(row.version, policy_of(row.document), row)

    async def of_site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> InForce:
        """Raises SiteNotFound."""
        await self._catalog.site(session, scope, site_id)
        return await self.in_force(session, site_id)

    async def save(
        self, session: AsyncSession, scope: Scope, site_id: UUID, policy: Policy, *, seen: int, reason: str, by: UUID
    ) -> InForce:
        """The next version, which holds for what begins from now on. `seen`: the version the caller looked at.

        Raises SiteNotFound, AlertPolicyChanged, AlertPolicyInvalid.
        """
        await self._check(session, scope, site_id, policy)
        return await self._write(session, site_id, policy, seen=seen, reason=reason, by=by, restores=None)

    async def restore(
        self, session: AsyncSession, scope: Scope, site_id: UUID, version: int, *, seen: int, reason: str, by: UUID
    ) -> InForce:
        """An earlier version once more, as the next; 0 is what the hub came with.

        Raises SiteNotFound, AlertPolicyVersionNotFound, AlertPolicyChanged, AlertPolicyInvalid (somebody named in it
        has left since).
        """
        await self._catalog.site(session, scope, site_id)
        row = await repository.policy_version(session, site_id, version)
        if row is None and version != 0:
            raise AlertPolicyVersionNotFound(version)
        policy = self._shipped if row is None else policy_of(row.document)
        await self._check(session, scope, site_id, policy)
        return await self._write(session, site_id, policy, seen=seen, reason=reason, by=by, restores=version)

    async def versions(
        self, session: AsyncSession, scope: Scope, site_id: UUID, *, limit: int, offset: int
    ) -> tuple[list[InForce], int]:
        """What people saved, the newest first. Raises SiteNotFound."""
        await self._catalog.site(session, scope, site_id)
        rows, total = await repository.policy_versions(session, scope, site_id, limit=limit, offset=offset)
        return [InForce(row.version, policy_of(row.document), row) for row in rows], total

    async def _check(self, session: AsyncSession, scope: Scope, site_id: UUID, policy: Policy) -> None:
        await self._catalog.site(session, scope, site_id)
        for problem in problems(policy):
            raise AlertPolicyInvalid(problem.where, problem.code)
        steps = [
            (f"routes.{no}.steps.{place}", step)
            for no, route in enumerate(policy.routes)
            for place, step in enumerate(route.steps)
        ]
        staff = await self._people.active(session, {one for _, step in steps for one in step.person_ids})
        known = await delivery_repository.destination_ids(session, site_id)
        for where, step in steps:
            for person_id in step.person_ids:
                at_site = person_id in staff and site_id in await self._people.sites_of(session, person_id)
                if not at_site:
                    raise AlertPolicyInvalid(f"{where}.person_ids", "no_person")
            if not known.issuperset(step.destination_ids):
                raise AlertPolicyInvalid(f"{where}.destination_ids", "no_destination")

    async def _write(
        self, session: AsyncSession, site_id: UUID, policy: Policy, *, seen: int, reason: str, by: UUID,
        restores: int | None,
    ) -> InForce:  # fmt: skip
        await repository.lock_policies(session, site_id)
        current = await repository.current_policy(session, site_id)
        version = 0 if current is None else current.version
        if seen != version:
            raise AlertPolicyChanged(given_version=seen, version=version)
        row = AlertPolicy(
            site_id=site_id, version=version + 1, document=document_of(policy), author_id=by, reason=reason,
            restores=restores, created_at=self._clock.now(),
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return InForce(row.version, policy, row)
