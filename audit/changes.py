"""What became of one thing since a version of it, as the audit has it: for whoever comes with a stale edit."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository

# Further back nobody who edits has looked at a thing.
RECORDS_READ = 50


@dataclass(frozen=True)
class Change:
    """`before` and `after` hold the fields that changed, without the version."""

    version: int
    at: datetime
    actor_id: UUID | None
    before: dict[str, Any]
    after: dict[str, Any]


async def changes_since(session: AsyncSession, about: str, *, version: int) -> list[Change]:
    """What made it newer than a version, oldest first. Only of things whose row has a `version`."""
    found: list[Change] = []
    for record, facts in await repository.facts_about(session, about, limit=RECORDS_READ):
        for row in json.loads(facts).get("rows", []):
            made = row.get("after", {}).get("version")
            if isinstance(made, int) and made > version and row["before"]:
                before, after = ({n: v for n, v in row[side].items() if n != "version"} for side in ("before", "after"))
                found.append(Change(made, record.at, record.actor_id, before, after))
    return found[::-1]
