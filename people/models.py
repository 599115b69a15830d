"""Tables of people. Personal values (names, phones) stand here and nowhere else."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class Person(Versioned, Base):
    """Somebody, once for the whole company; memberships say at which sites."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "phone"), Index(None, "kind"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str | None]
    wecom_user_id: Mapped[str | None] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(server_default="zh-CN")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Membership(Base):
    """At which sites a person is known: who may see a person is decided here."""

    __tablename__ = "membership"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True, index=True)


class Account(Base):
    """A login. A token carries `token_epoch`: raising it revokes every token given out before."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("username = lower(username)", name="username_lower"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    token_epoch: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    last_login_at: Mapped[datetime | None]


class LoginFailure(Base):
    """Failed logins in a row, by who tried and from where (a digest: what was typed may be a password)."""

    __tablename__ = "login_failure"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)


class RoleGrant(Base):
    """A role at one site, or at every site when `site_id` is null."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("person_id", "role", "site_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    role: Mapped[str]
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)


class PersonSkill(Base):
    __tablename__ = "person_skill"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    skill: Mapped[str] = mapped_column(primary_key=True)
    certificate_no: Mapped[str | None]
    valid_until: Mapped[date | None]


class PersonArea(Base):
    """A building somebody looks after. None at a site means all of it."""

    __tablename__ = "person_area"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    building_id: Mapped[UUID] = mapped_column(ForeignKey("building.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))


class Rota(Base):
    """A shift that comes again: every `every_days` days from `first_day` on, `hours` from `starts_at` local time."""

    __tablename__ = "rota"
    __table_args__ = (
        UniqueConstraint("person_id", "site_id", "duty", "first_day", "starts_minute"),
        CheckConstraint("hours BETWEEN 1 AND 24", name="hours"),
        CheckConstraint("every_days BETWEEN 1 AND 28", name="every_days"),
        CheckConstraint("starts_minute BETWEEN 0 AND 1439", name="starts_minute"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    duty: Mapped[str]
    first_day: Mapped[date]
    every_days: Mapped[int]
    starts_minute: Mapped[int]
    hours: Mapped[int]


class Shift(Base):
    """Nobody is on two shifts at once: the database refuses it."""

    __tablename__ = "shift"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    duty: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index(None, "site_id", "ends_at"),
        ExcludeConstraint(
            ("person_id", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            using="gist",
            name="ex_shift_overlap",
        ),
    )


class Residence(Base):
    """Who lives in, or owns, which home."""

    __tablename__ = "residence"
    __table_args__ = (UniqueConstraint("person_id", "space_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"), index=True)
    relation: Mapped[str]


class WechatIdentity(Base):
    """An openid of the Official Account. A follower whom nobody has bound to a person yet has no `person_id`."""

    __tablename__ = "wechat_identity"

    openid: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    is_subscribed: Mapped[bool] = mapped_column(default=True)
    bound_at: Mapped[datetime | None]
