"""Keep how well equipment is, day by day, and what meters are forecast to count."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611230304"
down_revision = "202611230302"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "equipment_evidence",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("excess", sa.Float(), nullable=False),
        sa.Column("highest", sa.Float(), nullable=False),
        sa.Column("above", sa.Integer(), nullable=False),
        sa.Column("weights", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_evidence_site_id_site")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_evidence_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("equipment_id", "since_at", name=op.f("pk_equipment_evidence")),
    )
    op.create_index(op.f("ix_equipment_evidence_site_id_since_at"), "equipment_evidence", ["site_id", "since_at"])
    op.create_table(
        "equipment_health",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("reckoned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("days_known", sa.Float(), nullable=False),
        sa.Column("days_needed", sa.Float(), nullable=False),
        sa.Column("health", sa.Float(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("peers", sa.Integer(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.Column("comparison", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("health BETWEEN 0 AND 100", name=op.f("ck_equipment_health_health")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_health_site_id_site")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_health_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("equipment_id", "day", name=op.f("pk_equipment_health")),
    )
    op.create_index(op.f("ix_equipment_health_site_id_day_health"), "equipment_health", ["site_id", "day", "health"])
    op.create_table(
        "meter_forecast",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("point_key", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("days_known", sa.Integer(), nullable=False),
        sa.Column("days_needed", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reckoned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("forecast", postgresql.JSONB(), nullable=True),
        sa.Column("used", postgresql.JSONB(), nullable=False),
        sa.Column("suspicions", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_meter_forecast_site_id_site")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_meter_forecast_equipment_id_equipment")
        ),
        sa.PrimaryKeyConstraint("equipment_id", name=op.f("pk_meter_forecast")),
    )
    op.create_index(op.f("ix_meter_forecast_site_id"), "meter_forecast", ["site_id"])
    op.create_table(
        "consumption_run",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("meters", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.CheckConstraint("done <= meters", name=op.f("ck_consumption_run_done")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_consumption_run_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_consumption_run")),
    )


def downgrade() -> None:
    op.drop_table("consumption_run")
    op.drop_table("meter_forecast")
    op.drop_table("equipment_health")
    op.drop_table("equipment_evidence")
