"""Rules on orders, webhooks and their deliveries; digests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221635"
down_revision = "202611221630"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)

TABLES = (
    "order_rule", "order_rule_version", "rule_firing", "webhook_endpoint", "webhook_delivery", "webhook_attempt",
    "site_digest",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "order_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_order_rule_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_rule"),
    )
    op.create_index("ix_order_rule_site_id", "order_rule", ["site_id"], unique=False)
    op.create_index("ix_order_rule_trigger", "order_rule", ["trigger"], unique=False)
    op.create_table(
        "order_rule_version",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["rule_id"], ["order_rule.id"], name="fk_order_rule_version_rule_id"),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name="fk_order_rule_version_saved_by"),
        sa.PrimaryKeyConstraint("rule_id", "version", name="pk_order_rule_version"),
    )
    op.create_table(
        "rule_firing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("event_facts", JSON, nullable=False),
        sa.Column("causes", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("outcomes", JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id", "rule_version"],
            ["order_rule_version.rule_id", "order_rule_version.version"],
            name="fk_rule_firing_rule_id_rule_version",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_rule_firing_site_id"),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name="fk_rule_firing_work_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_firing"),
        sa.UniqueConstraint("rule_id", "event_id", name="uq_rule_firing_rule_id_event_id"),
    )
    op.create_index("ix_rule_firing_site_id_happened_at", "rule_firing", ["site_id", "happened_at"], unique=False)
    op.create_index(
        "ix_rule_firing_waiting", "rule_firing", ["due_at"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "ix_rule_firing_work_order_id_rule_id_happened_at",
        "rule_firing",
        ["work_order_id", "rule_id", "happened_at"],
        unique=False,
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("previous_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_webhook_endpoint_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
    )
    op.create_index("ix_webhook_endpoint_site_id", "webhook_endpoint", ["site_id"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("firing_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("deferred_at", TIME, nullable=True),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"], name="fk_webhook_delivery_endpoint_id"),
        sa.ForeignKeyConstraint(["firing_id"], ["rule_firing.id"], name="fk_webhook_delivery_firing_id"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_webhook_delivery_site_id"),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name="fk_webhook_delivery_work_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint("message_id", name="uq_webhook_delivery_message_id"),
    )
    op.create_index(
        "ix_webhook_delivery_endpoint_id_created_at", "webhook_delivery", ["endpoint_id", "created_at"], unique=False
    )
    op.create_index("ix_webhook_delivery_firing_id", "webhook_delivery", ["firing_id"], unique=False)
    op.create_index(
        "ix_webhook_delivery_sending",
        "webhook_delivery",
        ["claimed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_webhook_delivery_site_id_created_at", "webhook_delivery", ["site_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_webhook_delivery_waiting",
        "webhook_delivery",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_delivery.id"], name="fk_webhook_attempt_delivery_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_webhook_attempt_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_attempt"),
    )
    op.create_index("ix_webhook_attempt_delivery_id_at", "webhook_attempt", ["delivery_id", "at"], unique=False)
    op.create_table(
        "site_digest",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_site_digest_site_id"),
        sa.PrimaryKeyConstraint("site_id", "day", name="pk_site_digest"),
    )
    # Whether an order was repeated is asked of every order that a figure counts.
    op.create_index(
        "ix_work_order_repeated", "work_order", ["repeat_of_id"], postgresql_where=sa.text("repeat_of_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_work_order_repeated", table_name="work_order")
    for table in reversed(TABLES):
        op.drop_table(table)
