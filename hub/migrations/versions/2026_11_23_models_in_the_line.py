"""Keep what is said of watched equipment, and where models in the line have got to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611230301"
down_revision = "202611230304"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "equipment_watch",
        sa.Column("equipment_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("days", sa.Double(), nullable=False),
        sa.Column("days_needed", sa.Double(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("days >= 0", name=op.f("ck_equipment_watch_days")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_watch_equipment_id_equipment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_watch_site_id_site")),
        sa.PrimaryKeyConstraint("equipment_id", name=op.f("pk_equipment_watch")),
    )  # fmt: skip
    op.create_index(op.f("ix_equipment_watch_site_id_state"), "equipment_watch", ["site_id", "state"])
    op.create_table(
        "stream_checkpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_shadow", sa.Boolean(), nullable=False),
        sa.Column("equipment_ids", postgresql.JSONB(), nullable=False),
        sa.Column("model_ids", postgresql.JSONB(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_stream_checkpoint_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream_checkpoint")),
    )
    op.create_index(op.f("ix_stream_checkpoint_partition"), "stream_checkpoint", ["partition"])
    # Packed already: to try it again would take time for nothing.
    op.execute("ALTER TABLE stream_checkpoint ALTER COLUMN content SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_table("stream_checkpoint")
    op.drop_table("equipment_watch")
