"""The queries of kept answers."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.models import AnsweredRequest


async def lock(session: AsyncSession, number: int) -> bool:
    """Takes a name until the transaction ends; False when somebody has it."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(number))))


async def find(session: AsyncSession, name: str, *, since: datetime) -> AnsweredRequest | None:
    wanted = select(AnsweredRequest).where(AnsweredRequest.name == name, AnsweredRequest.answered_at > since)
    return (await session.scalars(wanted)).one_or_none()


async def save(session: AsyncSession, name: str, *, what: str, sealed: bytes, at: datetime) -> None:
    """In the place of an older one, if there is one."""
    values = {"what": what, "sealed": sealed, "answered_at": at}
    statement = insert(AnsweredRequest).values(name=name, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(AnsweredRequest).where(AnsweredRequest.answered_at <= before))
