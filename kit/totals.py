"""How many rows match a list, counted no further than somebody will page."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

# Counting a million rows takes far longer than showing fifty; a pager needs to know only that there is more.
COUNT_AHEAD = 1_000


@dataclass(frozen=True)
class Total:
    """`rows` match; where `is_more`, at least so many."""

    rows: int
    is_more: bool


async def total_of(
    session: AsyncSession, matching: Select[Any], *, limit: int, offset: int, found: int, ahead: int | None = None
) -> Total:
    """Of a list whose page of `limit` from `offset` on holds `found` rows; `matching` selects all, in an order only
    where that helps to count. `ahead`: COUNT_AHEAD unless said."""
    if found < limit and (found or not offset):
        return Total(offset + found, is_more=False)
    furthest = offset + limit + (COUNT_AHEAD if ahead is None else ahead)
    counted = select(func.count()).select_from(matching.limit(furthest + 1).subquery())
    rows = await session.scalar(counted) or 0
    return Total(min(rows, furthest), is_more=rows > furthest)


async def plan_for_values(session: AsyncSession) -> None:
    """Has PostgreSQL plan the rest of the transaction for lists.

    For the values asked, not once for all: of two filters with the same words one may match ten rows and the other a
    million. Never by reading whole tables, which looks cheap to it wherever it takes rows for evenly spread, nor by
    several processes, whose start costs more than a list. And with room enough to remember single rows of a large
    table, not pages of which each row is to be looked at again.
    """
    await session.execute(
        text(
            "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
            " set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true),"
            " set_config('work_mem', '32MB', true)"
        )
    )
