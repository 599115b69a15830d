"""What alarms are told together with, what a site was told of, and since when an alarm flaps."""

import sqlalchemy as sa
from alembic import op

revision = "202611222002"
down_revision = "202611222001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("alarm", sa.Column("flapping_since", moment, nullable=True))
    op.create_table(
        "alarm_group",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("site_id", sa.Uuid(), sa.ForeignKey("site.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("root_id", sa.Uuid(), sa.ForeignKey("alarm.id"), nullable=True),
        sa.Column("building_id", sa.Uuid(), sa.ForeignKey("building.id"), nullable=True),
        sa.Column("equipment_kind", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.SmallInteger(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.Column("told_alarms", sa.Integer(), nullable=False),
        sa.Column("told_rank", sa.SmallInteger(), nullable=False),
        sa.Column("tellings", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=False),
        sa.Column("told_at", moment, nullable=True),
    )
    op.create_index("ix_alarm_group_last", "alarm_group", ["site_id", "last_at"])
    op.create_index("ix_alarm_group_root_id", "alarm_group", ["root_id"])
    op.create_table(
        "alarm_notice",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("site_id", sa.Uuid(), sa.ForeignKey("site.id"), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("alarm_id", sa.Uuid(), sa.ForeignKey("alarm.id"), nullable=True),
        sa.Column("group_id", sa.Uuid(), sa.ForeignKey("alarm_group.id"), nullable=True),
        sa.Column("building_id", sa.Uuid(), sa.ForeignKey("building.id"), nullable=True),
        sa.Column("equipment_kind", sa.Text(), nullable=False),
    )
    op.create_index("ix_alarm_notice_site", "alarm_notice", ["site_id", "at"])
    op.create_index(
        "ix_alarm_transition_told",
        "alarm_transition",
        ["site_id", "recorded_at"],
        postgresql_where=sa.text("kind IN ('raised', 'realarmed')"),
    )
    op.create_index(
        "ix_alarm_flapping", "alarm", ["flapping_since"], postgresql_where=sa.text("flapping_since IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_alarm_flapping", "alarm")
    op.drop_index("ix_alarm_transition_told", "alarm_transition")
    op.drop_table("alarm_notice")
    op.drop_table("alarm_group")
    op.drop_column("alarm", "flapping_since")
