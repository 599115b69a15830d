"""Many rows in one statement: the rows travel as one JSON parameter, so 12,000 points cost one round trip."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import TableValuedAlias, column, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Base


def recordset(rows: Iterable[Mapping[str, Any]], types: Mapping[str, Any], *, name: str) -> TableValuedAlias:
    """A table of `rows` inside a statement; `types` gives each column its SQL type."""
    data = literal(json.loads(json.dumps(list(rows), default=str)), JSONB)
    columns = [column(key, kind) for key, kind in types.items()]
    return func.jsonb_to_recordset(data).table_valued(*columns, name=name).render_derived(with_types=True)


async def upsert(
    session: AsyncSession,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> None:
    """Inserts `rows` (all with the same columns); where `key` exists already, its `update` columns are overwritten."""
    if not rows:
        return
    columns = model.__table__.columns
    table = recordset(rows, {name: columns[name].type for name in rows[0]}, name="row_in")
    statement = insert(model).from_select(list(rows[0]), select(table), include_defaults=False)
    fresh = {name: statement.excluded[name] for name in update}
    await session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=fresh))
