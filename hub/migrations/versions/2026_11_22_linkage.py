"""Points that may be switched, on which alarms, and what came of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611222007"
down_revision = "202611222006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "linkage_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("point_key", sa.Text(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("needs_two", sa.Boolean(), nullable=False),
        sa.Column("timeout_s", sa.Float(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("low <= high", name=op.f("ck_linkage_point_range")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_linkage_point_created_by_person")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_linkage_point_equipment_id_equipment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_linkage_point_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_point")),
        sa.UniqueConstraint("equipment_id", "point_key", name=op.f("uq_linkage_point_equipment_id_point_key")),
    )
    op.create_index(op.f("ix_linkage_point_site_id"), "linkage_point", ["site_id"])
    op.create_table(
        "linkage_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("condition", postgresql.JSONB(), nullable=False),
        sa.Column("actions", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_linkage_rule_changed_by_person")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_linkage_rule_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_rule")),
    )
    op.create_index(op.f("ix_linkage_rule_site_id"), "linkage_rule", ["site_id"])
    op.create_table(
        "linkage_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("onset_at", moment, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("point_key", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("needs_two", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("read_back", sa.Float(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("seconded_by", sa.Uuid(), nullable=True),
        sa.Column("rejected_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("started_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        *[
            sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_linkage_run_{name}_person"))
            for name in ("confirmed_by", "seconded_by", "rejected_by")
        ],
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_linkage_run_equipment_id_equipment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["linkage_rule.id"], name=op.f("fk_linkage_run_rule_id_linkage_rule")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_linkage_run_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linkage_run")),
        sa.UniqueConstraint(
            "rule_id", "alarm_id", "onset_at", "number", name=op.f("uq_linkage_run_rule_id_alarm_id_onset_at_number")
        ),
    )
    op.create_index("ix_linkage_run_open", "linkage_run", ["expires_at"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index(op.f("ix_linkage_run_site_id_created_at"), "linkage_run", ["site_id", "created_at"])
    op.create_index(
        op.f("ix_linkage_run_equipment_id_point_key_started_at"), "linkage_run",
        ["equipment_id", "point_key", "started_at"],
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("linkage_run")
    op.drop_table("linkage_rule")
    op.drop_table("linkage_point")
