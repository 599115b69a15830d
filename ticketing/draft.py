"""What is known of a piece of work before it is known whether it is new."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ticketing.flow import Flow
from ticketing.incidents.incident import IncidentKey
from ticketing.kinds import Category, Channel
from ticketing.order_kind import OrderKind
from ticketing.places import Place


@dataclass(frozen=True)
class Draft:
    """A report or an alarm on its way to becoming an order, or to joining one.

    `key` None: it stands alone. `kind` and `flow` are the versions that hold now. `title` by language. `since`: when
    it began, if a sensor says so; what a person says is about now.
    """

    place: Place
    kind: OrderKind
    flow: Flow
    category: Category
    channel: Channel
    priority: int
    title: Mapping[str, str]
    key: IncidentKey | None
    fault_mode: str | None = None
    opened_by: UUID | None = None
    since: datetime | None = None
    topic: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    appointment_at: datetime | None = None
