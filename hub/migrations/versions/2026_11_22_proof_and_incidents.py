"""Proof of work by telemetry; incidents that belong together."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221615"
down_revision = "202611221610"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)


# A constant default and nulls: PostgreSQL rewrites no row for them, however many orders there are.
def columns() -> list["sa.Column[Any]"]:
    return [
        sa.Column("proof_in_band_min", sa.Double(), server_default=sa.text("5"), nullable=False),
        sa.Column("found_mode", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("remedy", sa.Text()),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("work_order", column)
    op.add_column("work_order", sa.Column("duplicate_of_id", sa.Uuid()))
    op.create_foreign_key("fk_work_order_duplicate_of_id", "work_order", "work_order", ["duplicate_of_id"], ["id"])
    op.create_index(
        "ix_work_order_merged_into", "work_order", ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_work_order_unproved", "work_order", ["opened_at", "id"], postgresql_where=sa.text("proof = 'unproved'")
    )
    op.create_table(
        "work_order_proof",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("doubt", sa.Text()),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("in_band_since", TIME),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("chart", JSON),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_work_order_proof_site_id"),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name="fk_work_order_proof_work_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_proof"),
    )
    op.create_index("ix_work_order_proof_work_order_id_decided_at", "work_order_proof", ["work_order_id", "decided_at"])
    op.create_table(
        "work_order_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("moved", JSON, nullable=False),
        sa.Column("merged_at", TIME, nullable=False),
        sa.Column("merged_by", sa.Uuid()),
        sa.Column("undone_at", TIME),
        sa.Column("undone_by", sa.Uuid()),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_work_order_merge_site_id"),
        sa.ForeignKeyConstraint(["source_id"], ["work_order.id"], name="fk_work_order_merge_source_id"),
        sa.ForeignKeyConstraint(["target_id"], ["work_order.id"], name="fk_work_order_merge_target_id"),
        sa.ForeignKeyConstraint(["merged_by"], ["person.id"], name="fk_work_order_merge_merged_by"),
        sa.ForeignKeyConstraint(["undone_by"], ["person.id"], name="fk_work_order_merge_undone_by"),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_merge"),
    )
    op.create_index(
        "uq_work_order_merge_standing", "work_order_merge", ["source_id"], unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_work_order_merge_target_id", "work_order_merge", ["target_id"])


def downgrade() -> None:
    op.drop_table("work_order_merge")
    op.drop_table("work_order_proof")
    op.drop_index("ix_work_order_unproved", "work_order")
    op.drop_index("ix_work_order_merged_into", "work_order")
    op.drop_column("work_order", "duplicate_of_id")
    for column in columns():
        op.drop_column("work_order", column.name)
