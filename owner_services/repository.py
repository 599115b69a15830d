"""Queries on messages, invitations and codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from owner_services.models import Invitation, PhoneCode, WeChatMessage

# --- messages ----------------------------------------------------------------------------------------------------


async def one_at_a_time(session: AsyncSession, openid: str) -> None:
    """Messages of one sender wait for each other until the transaction ends: a picture never overtakes its text."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(openid, 0))))


async def add_message(session: AsyncSession, **values: Any) -> WeChatMessage | None:
    """The new row; None when this message is known already."""
    statement = insert(WeChatMessage).values(**values).on_conflict_do_nothing(index_elements=["key"])
    return (await session.execute(statement.returning(WeChatMessage))).scalar_one_or_none()


async def message_by_key(session: AsyncSession, key: str) -> WeChatMessage | None:
    return (await session.scalars(select(WeChatMessage).where(WeChatMessage.key == key))).one_or_none()


async def lock_message(session: AsyncSession, message_id: UUID) -> WeChatMessage | None:
    statement = select(WeChatMessage).where(WeChatMessage.id == message_id).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def last_message(
    session: AsyncSession, openid: str, *, outcomes: Sequence[str], since: datetime, before: int | None = None
) -> WeChatMessage | None:
    """The newest message of a sender with one of these outcomes; `before` leaves out its number and later ones."""
    statement = select(WeChatMessage).where(
        WeChatMessage.openid == openid, WeChatMessage.outcome.in_(outcomes), WeChatMessage.received_at >= since
    )
    if before is not None:
        statement = statement.where(WeChatMessage.sequence < before)
    return (await session.scalars(statement.order_by(WeChatMessage.sequence.desc()).limit(1))).first()


async def messages(
    session: AsyncSession, openid: str, *, outcome: str, since: datetime, limit: int
) -> Sequence[WeChatMessage]:
    """Newest first."""
    statement = select(WeChatMessage).where(
        WeChatMessage.openid == openid, WeChatMessage.outcome == outcome, WeChatMessage.received_at >= since
    )
    return (await session.scalars(statement.order_by(WeChatMessage.sequence.desc()).limit(limit))).all()


async def count_messages(session: AsyncSession, openid: str, *, outcome: str, since: datetime) -> int:
    statement = (
        select(func.count())
        .select_from(WeChatMessage)
        .where(WeChatMessage.openid == openid, WeChatMessage.outcome == outcome, WeChatMessage.received_at >= since)
    )
    return await session.scalar(statement) or 0


async def drop_messages_before(session: AsyncSession, moment: datetime) -> int:
    dropped = await session.execute(
        delete(WeChatMessage).where(WeChatMessage.received_at < moment).returning(WeChatMessage.id)
    )
    return len(dropped.all())


# --- becoming known ----------------------------------------------------------------------------------------------


async def redeem(session: AsyncSession, *, code_digest: str, now: datetime) -> Invitation | None:
    """The invitation of this code, used up by this call; None when there is none that is still good."""
    statement = (
        update(Invitation)
        .where(Invitation.code_digest == code_digest, Invitation.redeemed_at.is_(None), Invitation.expires_at > now)
        .values(redeemed_at=now)
        .returning(Invitation)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def set_phone_code(session: AsyncSession, **values: Any) -> None:
    """The sender's code, in place of an earlier one."""
    fresh = values | {"failures": 0}
    statement = insert(PhoneCode).values(**fresh)
    await session.execute(statement.on_conflict_do_update(index_elements=["openid"], set_=fresh))


async def lock_phone_code(session: AsyncSession, openid: str) -> PhoneCode | None:
    return (await session.scalars(select(PhoneCode).where(PhoneCode.openid == openid).with_for_update())).one_or_none()


async def drop_phone_codes_before(session: AsyncSession, moment: datetime) -> None:
    await session.execute(delete(PhoneCode).where(PhoneCode.expires_at < moment))
