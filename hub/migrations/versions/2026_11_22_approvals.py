"""Approvals: policies, requests, votes, delegations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221645"
down_revision = "202611221640"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "approval_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_approval_policy_saved_by")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_approval_policy_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_policy")),
        sa.UniqueConstraint("site_id", "code", "version", name=op.f("uq_approval_policy_site_id_code_version")),
    )
    op.create_index(
        "uq_approval_policy_current",
        "approval_policy",
        ["site_id", "covers"],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("names", JSONB, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("steps", JSONB, nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_approval_asked_by")),
        sa.ForeignKeyConstraint(["policy_id"], ["approval_policy.id"], name=op.f("fk_approval_policy_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_approval_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_approval_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(
        "ix_approval_due",
        "approval",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending' AND next_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_approval_work_order_id_asked_at"), "approval", ["work_order_id", "asked_at"], unique=False)
    op.create_index(
        "uq_approval_pending",
        "approval",
        ["work_order_id", "action"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "approval_wanted",
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_wanted_approval_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_approval_wanted_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_approval_wanted_site_id")),
        sa.PrimaryKeyConstraint("approval_id", "person_id", name=op.f("pk_approval_wanted")),
    )
    op.create_index(op.f("ix_approval_wanted_person_id"), "approval_wanted", ["person_id"], unique=False)
    op.create_table(
        "approval_vote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_vote_approval_id")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_approval_vote_by_id")),
        sa.ForeignKeyConstraint(["of_id"], ["person.id"], name=op.f("fk_approval_vote_of_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_approval_vote_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_vote")),
        sa.UniqueConstraint("approval_id", "step", "of_id", name=op.f("uq_approval_vote_approval_id_step_of_id")),
    )
    op.create_table(
        "approval_delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_approval_delegation_order")),
        sa.ForeignKeyConstraint(["from_id"], ["person.id"], name=op.f("fk_approval_delegation_from_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_approval_delegation_site_id")),
        sa.ForeignKeyConstraint(["to_id"], ["person.id"], name=op.f("fk_approval_delegation_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_delegation")),
    )
    op.create_index(
        op.f("ix_approval_delegation_site_id_ends_at"), "approval_delegation", ["site_id", "ends_at"], unique=False
    )
    op.create_index(
        op.f("ix_approval_delegation_to_id_ends_at"), "approval_delegation", ["to_id", "ends_at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("approval_delegation")
    op.drop_table("approval_vote")
    op.drop_table("approval_wanted")
    op.drop_table("approval")
    op.drop_table("approval_policy")
