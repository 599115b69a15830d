"""Alarms of rules that a person has said something about: what rules are measured by. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import labelled_repository
from kit.access import Scope


@dataclass(frozen=True)
class LabelCount:
    """Alarms of a rule by what they turned out to be; `label` None: nobody has said."""

    rule_key: str
    label: str | None
    alarms: int


@dataclass(frozen=True)
class LabelledAlarm:
    id: UUID
    equipment_id: UUID
    equipment_code: str
    onset_at: datetime
    returned_at: datetime | None
    label: str


class LabelledAlarms:
    """Alarms of tests are no measure of anything and left out."""

    async def counts(
        self, session: AsyncSession, scope: Scope, *, since: datetime, rule_key: str | None = None
    ) -> list[LabelCount]:
        """Of every rule, or of one, since then."""
        rows = await labelled_repository.counts(session, scope, since=since, rule_key=rule_key)
        return [LabelCount(*row) for row in rows]

    async def of_rule(
        self, session: AsyncSession, scope: Scope, rule_key: str, *, since: datetime, labels: frozenset[str], limit: int
    ) -> list[LabelledAlarm]:
        """Those with one of these labels, the newest first."""
        rows = await labelled_repository.of_rule(session, scope, rule_key, since=since, labels=labels, limit=limit)
        return [LabelledAlarm(*row) for row in rows]

    async def ids(
        self, session: AsyncSession, scope: Scope, *, since: datetime, labels: frozenset[str], limit: int,
        rule_key: str | None = None,
    ) -> dict[UUID, str]:  # fmt: skip
        """Alarm → rule of those with one of these labels, the newest first."""
        found = await labelled_repository.ids(
            session, scope, since=since, labels=labels, limit=limit, rule_key=rule_key
        )  # fmt: skip
        return dict(found)
