"""Tells whoever comes with a stale edit what they have missed: of an order from its timeline, else from the audit."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit.changes import Change, changes_since
from people.service import PeopleService
from ticketing.changes import OrderChange, order_changes

WORK_ORDER = "work_order"


class Histories:
    """Implements `kit.http.History`."""

    def __init__(self, people: PeopleService) -> None:
        self._people = people

    async def changes(
        self, session: AsyncSession, kind: str, about: str, *, since_version: int
    ) -> list[dict[str, Any]]:
        """The changes behind a version, oldest first, each with who made it."""
        if kind == WORK_ORDER:
            told = [
                _told(one, why=one.why)
                for one in await order_changes(session, UUID(about), since_version=since_version)
            ]
        else:
            edits = await changes_since(session, about, version=since_version)
            told = [_told(one, why=None) for one in edits]
        names = await self._people.names(session, _actors(told))
        return [one | {"by_name": names.get(UUID(one["by"])) if one["by"] else None} for one in told]


def _told(one: Change | OrderChange, *, why: str | None) -> dict[str, Any]:
    return {
        "version": one.version, "at": one.at.isoformat(), "by": str(one.actor_id) if one.actor_id else None,
        "what": one.what, "before": one.before, "after": one.after, "why": why,
    }  # fmt: skip


def _actors(told: Collection[dict[str, Any]]) -> set[UUID]:
    return {UUID(one["by"]) for one in told if one["by"]}
