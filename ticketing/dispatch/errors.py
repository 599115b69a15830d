"""Refusals of dispatch."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class NotQualified(DomainError):
    """Somebody may not have this order. `why` is a `ticketing.dispatch.…` text key's last part."""

    number: str
    person: str
    why: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"why": TextKey(f"ticketing.dispatch.{self.why}")}


@dataclass(eq=False)
class PlanNotFound(DomainError):
    plan_id: UUID
