"""Keep predictions with what models say of them, which models are muted, and what visits and failures cost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611230302"
down_revision = "202611230303"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prediction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("equipment_code", sa.Text(), nullable=False),
        sa.Column("equipment_kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("is_shadow", sa.Boolean(), nullable=False),
        sa.Column("held_back", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days_low", sa.Double(), nullable=True),
        sa.Column("days_median", sa.Double(), nullable=True),
        sa.Column("days_high", sa.Double(), nullable=True),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=False),
        sa.Column("of_going", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("of_waiting", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("fails_in_time", sa.Double(), nullable=False),
        sa.Column("visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("alarm_onset_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("label_why", sa.Text(), nullable=True),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("labelled_by", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_prediction_confidence")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_prediction_alarm_id_alarm")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_prediction_building_id_building")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_prediction_equipment_id_equipment")),
        sa.ForeignKeyConstraint(["labelled_by"], ["person.id"], name=op.f("fk_prediction_labelled_by_person")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_prediction_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
    )
    op.create_index(
        "ix_prediction_alarm",
        "prediction",
        ["alarm_id"],
        unique=False,
        postgresql_where=sa.text("alarm_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_prediction_equipment_id_opened_at"), "prediction", ["equipment_id", "opened_at"], unique=False
    )
    op.create_index(
        "ix_prediction_expiring",
        "prediction",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        op.f("ix_prediction_site_id_opened_at_id"), "prediction", ["site_id", "opened_at", "id"], unique=False
    )
    op.create_index(
        "uq_prediction_open",
        "prediction",
        ["equipment_id", "mode"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND NOT is_shadow"),
    )
    op.create_index(
        "uq_prediction_open_shadow",
        "prediction",
        ["equipment_id", "mode", "method"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND is_shadow"),
    )
    op.create_table(
        "prediction_voice",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("days_low", sa.Double(), nullable=True),
        sa.Column("days_median", sa.Double(), nullable=True),
        sa.Column("days_high", sa.Double(), nullable=True),
        sa.Column("waste_a_day", sa.Double(), nullable=True),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["prediction.id"],
            name=op.f("fk_prediction_voice_prediction_id_prediction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_prediction_voice_site_id_site")),
        sa.PrimaryKeyConstraint("prediction_id", "method", name=op.f("pk_prediction_voice")),
    )
    op.create_index(
        op.f("ix_prediction_voice_site_id_method_at"), "prediction_voice", ["site_id", "method", "at"], unique=False
    )
    op.create_table(
        "prediction_muting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("equipment_kind", sa.Text(), nullable=False),
        sa.Column("muted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("muted_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["lifted_by"], ["person.id"], name=op.f("fk_prediction_muting_lifted_by_person")),
        sa.ForeignKeyConstraint(["muted_by"], ["person.id"], name=op.f("fk_prediction_muting_muted_by_person")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_prediction_muting_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_muting")),
    )
    op.create_index(
        "uq_prediction_muting_standing",
        "prediction_muting",
        ["site_id", "method", "equipment_kind"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "prediction_cost",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("equipment_kind", sa.Text(), nullable=False),
        sa.Column("visit", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("failure", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("visit > 0 AND failure >= 0", name=op.f("ck_prediction_cost_positive")),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_prediction_cost_changed_by_person")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_prediction_cost_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_cost")),
        sa.UniqueConstraint("site_id", "equipment_kind", name=op.f("uq_prediction_cost_site_id_equipment_kind")),
    )


def downgrade() -> None:
    for table in ("prediction_cost", "prediction_muting", "prediction_voice", "prediction"):
        op.drop_table(table)
