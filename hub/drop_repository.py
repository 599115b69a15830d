"""Queries over the tally of what was dropped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from hub.models import DropTally


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Adds to what the tally has; each row has every column and its key once."""
    statement = insert(DropTally)
    added = {"count": DropTally.count + statement.excluded.count, "last_at": statement.excluded.last_at}
    keys = [DropTally.counter, DropTally.labels, DropTally.process, DropTally.hour]
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), list(rows))


async def since(
    session: AsyncSession, *, week: datetime, day: datetime
) -> Sequence[tuple[str, str, str, int, int, datetime]]:
    """(counter, labels, process, count since `week`, count since `day`, last time) of whatever was counted."""
    of_the_day = func.coalesce(func.sum(DropTally.count).filter(DropTally.hour >= day), 0)
    query = (
        select(
            DropTally.counter, DropTally.labels, DropTally.process, func.sum(DropTally.count), of_the_day,
            func.max(DropTally.last_at),
        )
        .where(DropTally.hour >= week)
        .group_by(DropTally.counter, DropTally.labels, DropTally.process)
    )  # fmt: skip
    return [(row[0], row[1], row[2], int(row[3]), int(row[4]), row[5]) for row in await session.execute(query)]


async def forget_before(session: AsyncSession, at: datetime) -> None:
    await session.execute(delete(DropTally).where(DropTally.hour < at))
