"""Tables of approvals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class ApprovalPolicy(Base):
    """A version of a policy of a site. `covers`: the action of a flow that it is about; an action has one in force."""

    __tablename__ = "approval_policy"
    __table_args__ = (
        UniqueConstraint("site_id", "code", "version"),
        Index("uq_approval_policy_current", "site_id", "covers", unique=True, postgresql_where=text("is_current")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    version: Mapped[int]
    covers: Mapped[str]
    document: Mapped[dict[str, Any]]
    is_current: Mapped[bool]
    saved_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    saved_at: Mapped[datetime]


class Approval(Base):
    """One request. `steps` is the policy as it was, with the persons it meant then; `facts` what was to be approved.

    `step`, `since` and `next_at` repeat what `deciding.decide` says, for lists and the sweep.
    """

    __tablename__ = "approval"
    __table_args__ = (
        Index(None, "work_order_id", "asked_at"),
        Index(
            "uq_approval_pending", "work_order_id", "action", unique=True, postgresql_where=text("state = 'pending'")
        ),
        Index("ix_approval_due", "next_at", postgresql_where=text("state = 'pending' AND next_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    attempt: Mapped[int]
    action: Mapped[str]
    policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_policy.id"))
    names: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    steps: Mapped[list[Any]]
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    reason: Mapped[str | None]
    state: Mapped[str]
    step: Mapped[int]
    since: Mapped[datetime]
    next_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    is_late: Mapped[bool]


class ApprovalWanted(Base):
    """Whose word a pending approval waits for right now."""

    __tablename__ = "approval_wanted"

    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))


class ApprovalVote(Base):
    """What `by_id` said in the name of `of_id`. Never changed: one word a name and step."""

    __tablename__ = "approval_vote"
    __table_args__ = (UniqueConstraint("approval_id", "step", "of_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    step: Mapped[int]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    of_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    verdict: Mapped[str]
    comment: Mapped[str | None]
    at: Mapped[datetime]


class ApprovalDelegation(Base):
    """`from_id` lets `to_id` vote in his name at the site, from `starts_at` until `ends_at`; taking it back ends it
    earlier."""

    __tablename__ = "approval_delegation"
    __table_args__ = (
        CheckConstraint("starts_at <= ends_at", name="order"),
        Index(None, "site_id", "ends_at"),
        Index(None, "to_id", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    from_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str | None]
    given_at: Mapped[datetime]
