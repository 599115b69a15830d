"""An order as rooms above see it: plain values, pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class OrderView:
    """An order at one moment. `values` by the names of its columns."""

    id: UUID
    site_id: UUID
    title: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def number(self) -> str:
        return str(self.values["number"])

    @property
    def place(self) -> str:
        return str(self.values["place"])


@dataclass(frozen=True)
class PastEntry:
    """An entry of a timeline: `before` and `after` as they were recorded."""

    at: datetime
    what: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class PastOrder:
    """An order as it is now, and what happened to it, oldest first."""

    view: OrderView
    entries: Sequence[PastEntry]
