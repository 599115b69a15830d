"""Queries that a backup asks of the database as a whole."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def hold_still(session: AsyncSession) -> str:
    """Makes this transaction see one moment, and the name under which other connections see it too."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return str(await session.scalar(text("SELECT pg_export_snapshot()")))


async def row_counts(session: AsyncSession) -> dict[str, int]:
    """Rows of every table of the schema `public`."""
    names = await session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    )
    counts: dict[str, int] = {}
    for name in names.all():
        quoted = name.replace('"', '""')
        counts[name] = await session.scalar(text(f'SELECT count(*) FROM "{quoted}"')) or 0  # noqa: S608 - a name
    return counts


async def throw_away(session: AsyncSession) -> None:
    """Empties the database."""
    await session.execute(text("DROP SCHEMA public CASCADE"))
    await session.execute(text("CREATE SCHEMA public"))
