"""The statements of `kit.personal`. They go past the ORM: what is erased must not be written down as a change."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Base


async def rows(
    session: AsyncSession, table: type[Base], where: ColumnElement[bool], *, hidden: Collection[str]
) -> Sequence[Mapping[str, Any]]:
    """Columns by name; times and ids as text."""
    columns = [column for column in table.__table__.columns if column.name not in hidden]
    found = await (await session.connection()).execute(select(*columns).where(where))
    return [{name: _plain(value) for name, value in row.items()} for row in found.mappings()]


async def let_go(
    session: AsyncSession, table: type[Base], where: ColumnElement[bool], *, replaced: Mapping[str, Any],
    is_dropped: bool,
) -> int:  # fmt: skip
    """Deletes the rows or replaces values in them; how many."""
    if not is_dropped and not replaced:
        return 0
    statement = delete(table).where(where) if is_dropped else update(table).where(where).values(**replaced)
    await session.flush()
    result = await (await session.connection()).execute(statement)
    session.expire_all()
    return result.rowcount


async def let_go_of_old(
    session: AsyncSession, table: type[Base], since: str, *, before: datetime, limit: int, replaced: Mapping[str, Any],
    is_dropped: bool,
) -> int:  # fmt: skip
    """Like `let_go`, of at most `limit` rows older than `before` that still have something to lose."""
    columns, key = table.__table__.columns, list(table.__table__.primary_key)
    is_old = columns[since] < before
    if not is_dropped:
        is_old &= or_(*(columns[name].is_distinct_from(value) for name, value in replaced.items()))
    some = tuple_(*key).in_(select(*key).where(is_old).limit(limit))
    return await let_go(session, table, some, replaced=replaced, is_dropped=is_dropped)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)
