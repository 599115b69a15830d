"""Queries of accounts and failed logins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from people.models import Account, LoginFailure, Person, RoleGrant


async def account_by_name(session: AsyncSession, username: str) -> Account | None:
    """The enabled account of an active person."""
    statement = select(Account).join(Person, Person.id == Account.person_id)
    return await session.scalar(statement.where(Account.username == username, Account.is_enabled, Person.is_active))


async def account(session: AsyncSession, account_id: UUID) -> tuple[Account, Person] | None:
    """An enabled account with its active person."""
    statement = select(Account, Person).join(Person, Person.id == Account.person_id)
    row = (
        await session.execute(statement.where(Account.id == account_id, Account.is_enabled, Person.is_active))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def grants(session: AsyncSession, person_id: UUID) -> Sequence[RoleGrant]:
    return (await session.scalars(select(RoleGrant).where(RoleGrant.person_id == person_id))).all()


async def failures(session: AsyncSession, keys: Sequence[str], *, since: datetime) -> dict[str, LoginFailure]:
    rows = await session.scalars(select(LoginFailure).where(LoginFailure.key.in_(keys), LoginFailure.last_at > since))
    return {row.key: row for row in rows}


async def count_failure(session: AsyncSession, key: str, *, at: datetime, since: datetime) -> None:
    """One more failure under a key; what happened before `since` is forgotten."""
    statement = insert(LoginFailure).values(key=key, failures=1, last_at=at)
    again = case((LoginFailure.last_at > since, LoginFailure.failures + 1), else_=1)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"failures": again, "last_at": at})
    )


async def forget_failures(session: AsyncSession, keys: Sequence[str]) -> None:
    await session.execute(delete(LoginFailure).where(LoginFailure.key.in_(keys)))


async def drop_failures(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(LoginFailure).where(LoginFailure.last_at < before))
