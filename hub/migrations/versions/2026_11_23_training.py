"""Keep trained models, trainings under way, and since when repaired equipment is normal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611230303"
down_revision = "202611222107"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trained_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("equipment_ids", postgresql.JSONB(), nullable=False),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.Column("step_s", sa.Double(), nullable=True),
        sa.Column("data_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("data_from <= data_until", name=op.f("ck_trained_model_window")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_trained_model_site_id_site")),
        sa.ForeignKeyConstraint(["state_by"], ["person.id"], name=op.f("fk_trained_model_state_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trained_model")),
        sa.UniqueConstraint(
            "site_id", "family", "subject", "version", name=op.f("uq_trained_model_site_id_family_subject_version")
        ),
    )
    for state in ("champion", "shadow"):
        op.create_index(
            f"uq_trained_model_{state}", "trained_model", ["site_id", "family", "subject"], unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )  # fmt: skip
    op.create_table(
        "trained_model_part",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["trained_model.id"], name=op.f("fk_trained_model_part_model_id_trained_model"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_trained_model_part_site_id_site")),
        sa.PrimaryKeyConstraint("model_id", "number", name=op.f("pk_trained_model_part")),
    )  # fmt: skip
    # Packed already: to try it again would take time for nothing.
    op.execute("ALTER TABLE trained_model_part ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "training_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("learnt", sa.Integer(), nullable=False),
        sa.Column("equipment", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("days > 0", name=op.f("ck_training_run_days")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_training_run_asked_by_person")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_training_run_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_run")),
    )
    op.create_index(
        "uq_training_run_under_way", "training_run", ["site_id"], unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )  # fmt: skip
    op.create_index(op.f("ix_training_run_site_id_asked_at"), "training_run", ["site_id", "asked_at"])
    op.create_table(
        "training_piece",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_run.id"], name=op.f("fk_training_piece_run_id_training_run"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_training_piece_site_id_site")),
        sa.PrimaryKeyConstraint("run_id", "subject", "number", name=op.f("pk_training_piece")),
    )
    op.create_table(
        "fresh_start",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_fresh_start_equipment_id_equipment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_fresh_start_site_id_site")),
        sa.PrimaryKeyConstraint("equipment_id", name=op.f("pk_fresh_start")),
    )


def downgrade() -> None:
    for table in ("fresh_start", "training_piece", "training_run", "trained_model_part", "trained_model"):
        op.drop_table(table)
