"""What may be corrected on an order without moving it: urgency, promise, and what its form says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.form_filling import FormFilling
from ticketing.models import WorkOrder


@dataclass(frozen=True)
class OrderEdit:
    """None leaves it as it is, and so does a field of the form that is not named."""

    priority: int | None = None
    promised_at: datetime | None = None
    form: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What an edit changed, as the timeline shows it; both empty when nothing did."""

    before: dict[str, object]
    after: dict[str, object]


class Editing:
    def __init__(self, definitions: Definitions, filling: FormFilling) -> None:
        self._definitions = definitions
        self._filling = filling

    async def apply(self, session: AsyncSession, order: WorkOrder, edit: OrderEdit, *, actor: Actor) -> Change:
        """Writes the edit into an order whose row is held; the clocks stay as they were.

        Raises FieldUnknown, FieldNotYours, FieldInvalid, PlaceNotFound.
        """
        change = Change({}, {})
        if edit.priority is not None and edit.priority != order.priority:
            change.before["priority"], change.after["priority"] = order.priority, edit.priority
            order.priority = edit.priority
        if edit.promised_at is not None and edit.promised_at != order.promised_at:
            change.before["promised_at"] = order.promised_at.isoformat()
            change.after["promised_at"] = edit.promised_at.isoformat()
            order.promised_at = edit.promised_at
        if edit.form:
            await self._fill(session, order, edit.form, change, actor)
        return change

    async def _fill(
        self, session: AsyncSession, order: WorkOrder, given: Mapping[str, Any], change: Change, actor: Actor
    ) -> None:
        kind = await self._definitions.kind_of(session, order)
        values = await self._filling.fill(
            session, kind.form, order.form, given, roles=actor.roles(order.site_id), site_id=order.site_id,
            work_order_id=order.id,
        )  # fmt: skip
        # The timeline is read by everybody who sees the order: of a field that not all may see it tells only the name.
        changed = sorted(key for key in given if values.get(key) != order.form.get(key))
        if changed:
            change.before["form"], change.after["form"] = None, changed
            order.form = values
