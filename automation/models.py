"""Tables of rules on orders and of webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class OrderRule(Base):
    """A rule of one site, or of the company where `site_id` is None. `version` is the one that holds."""

    __tablename__ = "order_rule"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str]
    trigger: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class OrderRuleVersion(Base):
    """What a rule said at a time. Never changed: a firing that waits keeps its version."""

    __tablename__ = "order_rule_version"

    rule_id: Mapped[UUID] = mapped_column(ForeignKey("order_rule.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class RuleFiring(Base):
    """One rule set off by one event, at most once: what it waits for, or what it came to.

    `causes`: the rules whose actions led to the event, oldest first. `event_facts`: what the event said.
    """

    __tablename__ = "rule_firing"
    __table_args__ = (
        UniqueConstraint("rule_id", "event_id"),
        ForeignKeyConstraint(["rule_id", "rule_version"], ["order_rule_version.rule_id", "order_rule_version.version"]),
        Index("ix_rule_firing_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(None, "site_id", "happened_at"),
        Index(None, "work_order_id", "rule_id", "happened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    rule_id: Mapped[UUID]
    rule_version: Mapped[int]
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    event_id: Mapped[UUID]
    trigger: Mapped[str]
    event_facts: Mapped[dict[str, Any]]
    causes: Mapped[list[str]]
    state: Mapped[str]
    happened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcomes: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))


class WebhookEndpoint(Versioned, Base):
    """Where a webhook goes. Its secret is made from the hub's own and `generation`, and stored nowhere.

    `previous_until`: until then messages are signed by the secret before this one, too.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str]
    url: Mapped[str]
    is_enabled: Mapped[bool]
    generation: Mapped[int]
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One message for one endpoint. `message_id` stays the same however often it is sent, by hand too."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_webhook_delivery_sending", "claimed_at", postgresql_where=text("state = 'sending'")),
        Index(None, "endpoint_id", "created_at"),
        Index(None, "site_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoint.id"))
    firing_id: Mapped[UUID | None] = mapped_column(ForeignKey("rule_firing.id"), index=True)
    work_order_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    message_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    deferred_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One try at a delivery and what came of it. `answer`: the beginning of the answer's body."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index(None, "delivery_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_delivery.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    took_ms: Mapped[int]
    address: Mapped[str]
    status: Mapped[int | None]
    error: Mapped[str]
    answer: Mapped[str]
