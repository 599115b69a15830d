"""The policies of a site: saved as versions, one in force an action."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from people.service import PeopleService
from ticketing.approvals import repository
from ticketing.approvals.errors import ApprovalPolicyNotFound, PolicyInForce
from ticketing.approvals.models import ApprovalPolicy
from ticketing.approvals.policy import parse


class PolicyBook:
    def __init__(self, people: PeopleService, clock: Clock) -> None:
        self._people = people
        self._clock = clock

    async def all(self, session: AsyncSession, scope: Scope, site_id: UUID) -> Sequence[ApprovalPolicy]:
        return await repository.policies(session, scope, site_id)

    async def save(
        self, session: AsyncSession, document: Mapping[str, Any], *, site_id: UUID, covers: str, by: UUID
    ) -> ApprovalPolicy:
        """The next version, in force from now on; what is under way keeps its own.

        Raises DocumentInvalid, PolicyInForce, and PersonNotFound for somebody whom the site does not know.
        """
        policy = parse(document)
        for person_id in sorted(policy.named):
            await self._people.person(session, Scope.of(site_id), person_id)
        versions = await repository.lock_versions(session, site_id=site_id, code=policy.code)
        standing = await repository.policy_covering(session, site_id=site_id, covers=covers)
        if standing is not None and standing.code != policy.code:
            raise PolicyInForce(covers=covers, by_code=standing.code)
        for old in versions:
            old.is_current = False
        await session.flush()
        saved = ApprovalPolicy(
            site_id=site_id, code=policy.code, version=versions[0].version + 1 if versions else 1, covers=covers,
            document=dict(document), is_current=True, saved_by=by, saved_at=self._clock.now(),
        )  # fmt: skip
        session.add(saved)
        await session.flush()
        return saved

    async def retire(self, session: AsyncSession, scope: Scope, policy_id: UUID) -> ApprovalPolicy:
        """Nobody is asked any more because of it. Raises ApprovalPolicyNotFound."""
        found = await repository.policy(session, scope, policy_id)
        if found is None:
            raise ApprovalPolicyNotFound(policy_id)
        found.is_current = False
        return found
