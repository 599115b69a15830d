"""Keep what is told of remaining lives, by day."""

import sqlalchemy as sa
from alembic import op

revision = "202611230305"
down_revision = "202611230306"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remaining_life_forecast",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point_key", sa.Text(), nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("days_low", sa.Double(), nullable=False),
        sa.Column("days_mid", sa.Double(), nullable=False),
        sa.Column("days_high", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("usual", sa.Double(), nullable=False),
        sa.Column("level_at_failure", sa.Double(), nullable=False),
        sa.Column("speed_a_day", sa.Double(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("peers_low", sa.Double(), nullable=True),
        sa.Column("peers_high", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "0 <= days_low AND days_low <= days_mid AND days_mid <= days_high",
            name=op.f("ck_remaining_life_forecast_interval"),
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_remaining_life_forecast_confidence")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_remaining_life_forecast_equipment_id_equipment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_remaining_life_forecast_site_id_site")),
        sa.PrimaryKeyConstraint("equipment_id", "mode", "day", name=op.f("pk_remaining_life_forecast")),
    )  # fmt: skip
    op.create_index(op.f("ix_remaining_life_forecast_site_id_day"), "remaining_life_forecast", ["site_id", "day"])


def downgrade() -> None:
    op.drop_table("remaining_life_forecast")
