"""Telling of alarms: policies of sites, destinations, cases, decisions, deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611222004"
down_revision = "202611222003"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_alert_policy_author_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alert_policy_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_policy")),
        sa.UniqueConstraint("site_id", "version", name=op.f("uq_alert_policy_site_id_version")),
    )
    op.create_table(
        "alert_destination",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alert_destination_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_destination")),
        sa.UniqueConstraint("site_id", "name", name=op.f("uq_alert_destination_site_id_name")),
    )
    op.create_table(
        "alert_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("telling", sa.Integer(), nullable=False),
        sa.Column("about", JSONB, nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("life_safety", sa.Boolean(), nullable=False),
        sa.Column("is_work", sa.Boolean(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("route", JSONB, nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("first_told_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_alert_case_alarm_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alert_case_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_case")),
        sa.UniqueConstraint("subject", name=op.f("uq_alert_case_subject")),
    )
    op.create_index("ix_alert_case_due", "alert_case", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))
    op.create_index("ix_alert_case_alarm", "alert_case", ["alarm_id", "begun_at"])
    op.create_index("ix_alert_case_group", "alert_case", ["group_id"], postgresql_where=sa.text("group_id IS NOT NULL"))
    op.create_index(op.f("ix_alert_case_site_id_begun_at"), "alert_case", ["site_id", "begun_at"])
    op.create_table(
        "alert_decision",
        sa.Column("no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("destination_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["alert_case.id"], name=op.f("fk_alert_decision_case_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_alert_decision_person_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alert_decision_site_id")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_alert_decision")),
    )
    op.create_index(op.f("ix_alert_decision_case_id_no"), "alert_decision", ["case_id", "no"])
    op.create_index(op.f("ix_alert_decision_site_id_at"), "alert_decision", ["site_id", "at"])
    op.create_index(
        "ix_alert_decision_person", "alert_decision", ["person_id", "at"],
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message", JSONB, nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("deferred_at", MOMENT, nullable=True),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error_detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["alert_destination.id"], name=op.f("fk_alert_delivery_destination_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alert_delivery_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_delivery")),
        sa.UniqueConstraint("key", "destination_id", name=op.f("uq_alert_delivery_key_destination_id")),
    )
    op.create_index(
        "ix_alert_delivery_waiting", "alert_delivery", ["due_at"], postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "ix_alert_delivery_sending", "alert_delivery", ["claimed_at"], postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index(
        op.f("ix_alert_delivery_destination_id_created_at"), "alert_delivery", ["destination_id", "created_at"]
    )


def downgrade() -> None:
    for table in ("alert_delivery", "alert_decision", "alert_case", "alert_destination", "alert_policy"):
        op.drop_table(table)
