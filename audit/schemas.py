"""Wire shapes of the audit."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict

from audit.models import AuditDetail, AuditRecord
from kit.access import Scope
from kit.http import Schema

# A mobile number wherever it stands, as 138****1234: whoever needs the whole one asks where asking is written down.
_MOBILE = re.compile(r"(?<!\d)(1\d{2})\d{4}(\d{4})(?!\d)")


class AuditRecordOut(Schema):
    """Who did what when, from where, before and after.

    `site_id`: where. A person who is known at several sites has records that are of each of them, shown without the
    rows of others (`facts.elsewhere` counts those). `facts` and `origin` are null where personal values were erased;
    `position` is null until the chain has the record, a few seconds after it was written.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01942f3c-7c1e-7bd0-9d4e-0f8a3a1f2b3c", "at": "2026-11-22T08:30:00Z",
                    "action": "people.set_roles", "actor_id": "01942f3c-7c1e-7bd0-9d4e-0f8a3a1f2b3d",
                    "actor_name": "钱进", "roles": ["admin"], "object_kind": "person",
                    "object_id": "01942f3c-7c1e-7bd0-9d4e-0f8a3a1f2b3e", "site_id": None, "request_id": "8a3a1f2b3c4d",
                    "origin": {"address": "10.0.0.7", "agent": "5f1d3a9c0b7e2d46", "method": "PUT",
                               "path": "/api/v1/people/01942f3c-7c1e-7bd0-9d4e-0f8a3a1f2b3e/roles"},
                    "facts": {"rows": [{"table": "role_grant", "id": "7", "before": {},
                                        "after": {"role": "manager"}}]},
                    "position": 1204,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    at: datetime
    action: str
    actor_id: UUID | None
    actor_name: str | None
    roles: list[str]
    object_kind: str | None
    object_id: str | None
    site_id: UUID | None
    request_id: str | None
    origin: dict[str, Any] | None
    facts: dict[str, Any] | None
    position: int | None

    @classmethod
    def of(
        cls, record: AuditRecord, detail: AuditDetail | None, position: int | None, *, actor_name: str | None,
        scope: Scope,
    ) -> Self:  # fmt: skip
        return cls(
            id=record.id, at=record.at, action=record.action, actor_id=record.actor_id, actor_name=actor_name,
            roles=record.roles, object_kind=record.object_kind, object_id=record.object_id, site_id=record.site_id,
            request_id=record.request_id, origin=_read(detail.origin if detail else None),
            facts=within(scope, _read(detail.facts if detail else None)), position=position,
        )  # fmt: skip


def within(scope: Scope, facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """The facts without the rows of sites that the reader does not see; how many those were is said."""
    if facts is None or scope.site_ids is None or "rows" not in facts:
        return facts
    shown = [row for row in facts["rows"] if _sites_of(row) <= {str(one) for one in scope.site_ids}]
    elsewhere = len(facts["rows"]) - len(shown)
    return facts | {"rows": shown} | ({"elsewhere": elsewhere} if elsewhere else {})


def _sites_of(row: Mapping[str, Any]) -> set[str]:
    """Which sites a row names: of a statement past the ORM the columns are numbered."""
    sides = [row.get(side, {}) for side in ("before", "after", "values")]
    named = [value for side in sides for name, value in side.items() if name.startswith("site_id")]
    return {str(one) for value in named for one in (value if isinstance(value, list) else [value]) if one is not None}


def _read(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    facts: dict[str, Any] = json.loads(_MOBILE.sub(r"\1****\2", text))
    return facts
