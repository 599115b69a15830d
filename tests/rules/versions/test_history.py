"""Every text of a rule is kept under a number, and one of them is in force."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from building.severity import Severity
from kit.access import Scope
from kit.db import Database
from rules import service
from rules.schemas import EXAMPLE, RuleDefinition
from rules.service import RuleService
from rules.versions import repository
from rules.versions.models import RuleVersionRow
from tests.rules.test_service import ANYWHERE, author, definition

__all__ = ["author"]

SHIPPED = RuleDefinition.model_validate(EXAMPLE)


async def texts(session: AsyncSession, key: str) -> list[tuple[int, str, str]]:
    """(number, state, severity), the oldest first."""
    rows: Sequence[RuleVersionRow]
    rows, _ = await repository.find(session, Scope.everywhere(), key, limit=50, offset=0)
    return [(row.number, row.state, row.definition["severity"]) for row in reversed(rows)]


def ship(monkeypatch: pytest.MonkeyPatch, *definitions: RuleDefinition) -> None:
    monkeypatch.setattr(service, "shipped_rules", lambda: definitions)


async def test_a_changed_text_is_a_new_version_and_judges_name_its_number(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        row = await rules.add(session, ANYWHERE, definition(), enabled=True, author=author, reason="new pump")
        await rules.switch(session, ANYWHERE, row.key, enabled=False, version=1)
        await rules.change(session, ANYWHERE, row.key, definition(), enabled=True, version=2, author=author)
        assert (row.version, row.number) == (3, 1)  # what it says has not changed
        minor = definition(severity="minor")
        await rules.change(
            session, ANYWHERE, row.key, minor, enabled=True, version=3, author=author, reason="too many at night"
        )
        assert await texts(session, row.key) == [(1, "past", "major"), (2, "in_force", "minor")]
        assert [compiled.rule.version for compiled in (await rules.book(session)).rules] == [2]
        newest = await repository.newest(session, row.key)
        assert newest is not None
        assert (newest.author_id, newest.reason, newest.based_on) == (author, "too many at night", 1)


async def test_what_a_removed_rule_said_is_kept_and_its_numbers_go_on(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        await rules.remove(session, ANYWHERE, "my-rule", version=1)
        assert await texts(session, "my-rule") == [(1, "past", "major")]
        row = await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        assert row.number == 2


async def test_a_release_replaces_what_nobody_changed_and_is_offered_beside_what_somebody_did(
    database: Database, rules: RuleService, author: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as session:
        ship(monkeypatch, SHIPPED)
        await rules.load_shipped(session)
        ship(monkeypatch, SHIPPED.model_copy(update={"severity": Severity.MINOR}))
        assert (await rules.load_shipped(session), await rules.load_shipped(session)) == (1, 0)
        row = await rules.get(session, ANYWHERE, SHIPPED.key)
        mine = SHIPPED.model_copy(update={"severity": Severity.CRITICAL})
        await rules.change(session, ANYWHERE, row.key, mine, enabled=True, version=row.version, author=author)
        assert await rules.load_shipped(session) == 0
        ship(monkeypatch, SHIPPED.model_copy(update={"severity": Severity.WARNING}))
        assert (await rules.load_shipped(session), await rules.load_shipped(session)) == (1, 0)
        ship(monkeypatch, SHIPPED)
        assert await rules.load_shipped(session) == 1
        assert await texts(session, row.key) == [
            (1, "past", "major"), (2, "past", "minor"), (3, "in_force", "critical"), (4, "discarded", "warning"),
            (5, "offered", "major"),
        ]  # fmt: skip
        assert (row.number, row.offered) == (3, 5)
        ship(monkeypatch, mine)
        assert await rules.load_shipped(session) == 0
        assert row.offered is None
