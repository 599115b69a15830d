"""What is said with an action on an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from ticketing.kinds import ChildrenFate, ClosingCode


@dataclass(frozen=True)
class Words:
    """What is said with an action. Which of it is required is in the order's flow; `form` is what its kind asks for."""

    assignee_id: UUID | None = None
    reason: str | None = None
    note: str | None = None
    closing_code: ClosingCode | None = None
    hold_until: datetime | None = None
    promised_at: datetime | None = None
    fault_mode: str | None = None
    cause: str | None = None
    remedy: str | None = None
    duplicate_of: UUID | None = None
    children: ChildrenFate | None = None
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) not in (None, "", {}))


NOTHING_SAID = Words()
# What a flow may require of an action.
SAYABLE = frozenset(one.name for one in fields(Words)) - {"form"}
