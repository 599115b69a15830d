"""Keep the days of equipment in a few figures each, to see wear of weeks in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611230306"
down_revision = "202611230301"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drift_subject",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("features", postgresql.JSONB(), nullable=False),
        sa.Column("days_until", sa.Date(), nullable=False),
        sa.Column("judged_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_drift_subject_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "subject", name=op.f("pk_drift_subject")),
    )
    op.create_table(
        "equipment_day",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("features", postgresql.JSONB(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("is_judged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_day_site_id_site")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_day_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("equipment_id", "day", name=op.f("pk_equipment_day")),
    )
    op.create_index(op.f("ix_equipment_day_site_id_subject_day"), "equipment_day", ["site_id", "subject", "day"])


def downgrade() -> None:
    op.drop_table("equipment_day")
    op.drop_table("drift_subject")
