"""Work orders as figures see them, written straight into the tables: any mixture a test likes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.ids import new_id
from tests.ticketing.town import NOON
from ticketing.models import TimelineEntry, WorkOrder

MINUTE = timedelta(minutes=1)


def order(site_id: UUID, number: int, **changes: Any) -> dict[str, Any]:
    """A row of a closed repair: answered after 5 minutes, done after 60."""
    opened_at: datetime = changes.pop("opened_at", NOON + number * MINUTE)
    values: dict[str, Any] = {
        "id": new_id(), "site_id": site_id, "number": f"WO-20261122-{number:04d}", "kind": "repair",
        "category": "water_leak", "channel": "phone", "state": "closed", "priority": 3,
        "title": {"zh-CN": "漏水", "en": "Leak"}, "place": "3栋", "opened_at": opened_at,
        "response_due_at": opened_at + 30 * MINUTE, "resolution_due_at": opened_at + 480 * MINUTE,
        "promised_at": opened_at + 480 * MINUTE, "response_min": 30, "resolution_min": 480, "answer_min": 15,
        "proof_window_min": 30, "responded_at": opened_at + 5 * MINUTE, "arrived_at": opened_at + 20 * MINUTE,
        "done_at": opened_at + 60 * MINUTE, "closing_code": "real_fault", "attempt": 1, "version": 1, "entries": 0,
        "dispatch_round": 1, "facts": {},
    }  # fmt: skip
    return values | changes


def steps(row: Mapping[str, Any], *at_min: tuple[float, str]) -> list[dict[str, Any]]:
    """The order's transitions: minutes after it was opened, and the state it came into."""
    return [
        {
            "id": new_id(), "site_id": row["site_id"], "work_order_id": row["id"], "position": position,
            "at": row["opened_at"] + minutes * MINUTE, "what": "moved", "before": {},
            "after": {"action": "x", "state": state},
        }
        for position, (minutes, state) in enumerate(at_min, start=1)
    ]  # fmt: skip


async def write(
    session: AsyncSession, orders: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]] = ()
) -> None:
    columns = sorted({name for row in orders for name in row})
    rows = [{name: row.get(name, DEFAULTS.get(name)) for name in columns} for row in orders]
    if rows:
        await session.execute(insert(WorkOrder), rows)
    if entries:
        await session.execute(insert(TimelineEntry), list(entries))


DEFAULTS: dict[str, Any] = {"cost": 0, "proof": None}
