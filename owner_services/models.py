"""Tables of what owners send and of how they come to be known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class WeChatMessage(Base):
    """A message or event of WeChat's and what was answered: the platform's own retry gets this answer again.

    `key` is unique: MsgId, or sender, second and name of an event. A person in WeChat belongs to no site, so neither
    does this row. `text` is kept for the question that may follow, `media_id` until the picture has been fetched,
    `offered` names the articles that answered it, for what is said of them next.
    """

    __tablename__ = "wechat_message"
    __table_args__ = (Index(None, "openid", "sequence"), Index(None, "received_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity())
    key: Mapped[str] = mapped_column(unique=True)
    openid: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    media_id: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    outcome: Mapped[str]
    reply: Mapped[str] = mapped_column(default="")
    offered: Mapped[list[str]] = mapped_column(default=list, server_default=sql("'[]'"))
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("report.id", ondelete="SET NULL"), index=True)


class Invitation(Base):
    """A code that binds one WeChat user to one home; only its digest is kept."""

    __tablename__ = "invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"), index=True)
    code_digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    relation: Mapped[str]
    issued_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]


class PhoneCode(Base):
    """The one code by SMS that a WeChat user may be asked for at a time."""

    __tablename__ = "phone_code"

    openid: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    code_digest: Mapped[str]
    expires_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
