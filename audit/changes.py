"""What became of one thing since a version of it, as the audit has it: for whoever comes with a stale edit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository
from audit.models import AuditRecord

# Further back nobody who edits has looked at a thing.
RECORDS_READ = 50


@dataclass(frozen=True)
class Change:
    """`before` and `after` hold the fields that changed, without the version: none where what belongs to it did.
    `what` was done, by the name of its route: change_person, set_roles."""

    version: int
    at: datetime
    actor_id: UUID | None
    what: str
    before: dict[str, Any]
    after: dict[str, Any]


async def changes_since(session: AsyncSession, about: str, *, version: int) -> list[Change]:
    """What made it newer than a version, oldest first. Only of things whose row has a `version`, and of that row."""
    found: list[Change] = []
    for record, facts in await repository.facts_about(session, about, limit=RECORDS_READ):
        for row in _own(record, json.loads(facts).get("rows", []), about):
            made = row.get("after", {}).get("version")
            if isinstance(made, int) and made > version and row["before"]:
                before, after = ({n: v for n, v in row[side].items() if n != "version"} for side in ("before", "after"))
                what = record.action.rpartition(".")[2]
                found.append(Change(made, record.at, record.actor_id, what, before, after))
    return found[::-1]


def _own(record: AuditRecord, rows: Sequence[dict[str, Any]], about: str) -> list[dict[str, Any]]:
    """The rows of the thing itself: what else was changed with it is not for whoever edits this.

    A thing that its route names by a key, not by the row's id, has the only row with a version in a record about it.
    """
    versioned = [row for row in rows if "version" in row.get("after", {})]
    own = [row for row in versioned if row["id"] == about]
    is_by_key = record.object_id == about and len(versioned) == 1 and not _is_id(about)
    return versioned if is_by_key else own


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
