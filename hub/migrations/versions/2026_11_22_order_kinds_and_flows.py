"""Kinds and flows of orders as data; what an order carries for them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221600"
down_revision = "202611221345"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)


# Constant defaults and nulls: PostgreSQL rewrites no row for them, however many orders there are.
def columns() -> list["sa.Column[Any]"]:
    return [
        sa.Column("kind_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("procedure", sa.Text(), server_default=sa.text("'repair'"), nullable=False),
        sa.Column("topic", sa.Text()),
        sa.Column("flow", sa.Text(), server_default=sa.text("'repair'"), nullable=False),
        sa.Column("flow_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("stage", sa.Text()),
        sa.Column("form", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("admitted_at", TIME),
        sa.Column("appointment_at", TIME),
        sa.Column("arrival_due_at", TIME),
        sa.Column("arrival_min", sa.Double()),
        sa.Column("arrival_escalated_at", TIME),
        sa.Column("sla", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("urged_at", TIME),
        sa.Column("urges", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payer", sa.Text()),
        sa.Column("payer_facts", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("cost", sa.Numeric(12, 2), server_default=sa.text("0"), nullable=False),
        sa.Column("proof", sa.Text()),
        sa.Column("proof_facts", JSON, server_default=sa.text("'{}'"), nullable=False),
    ]


REFERENCES = ("parent_id", "merged_into_id")
DEFINITIONS = ("order_kind_version", "flow_version")


def upgrade() -> None:
    for column in columns():
        op.add_column("work_order", column)
    for name in REFERENCES:
        op.add_column("work_order", sa.Column(name, sa.Uuid()))
        op.create_foreign_key(f"fk_work_order_{name}_work_order", "work_order", "work_order", [name], ["id"])
    op.execute("UPDATE work_order SET procedure = kind WHERE kind <> 'repair'")
    op.create_index(
        "ix_work_order_arrival_due", "work_order", ["arrival_due_at"],
        postgresql_where=sa.text(
            "arrival_due_at IS NOT NULL AND arrived_at IS NULL AND arrival_escalated_at IS NULL AND done_at IS NULL"
        ),
    )  # fmt: skip
    op.create_index(
        "ix_work_order_parent", "work_order", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )  # fmt: skip
    for table in DEFINITIONS:
        op.create_table(
            table,
            sa.Column("code", sa.Text(), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("document", JSON, nullable=False),
            sa.Column("saved_at", TIME, nullable=False),
            sa.Column("saved_by", sa.Uuid()),
            sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=f"fk_{table}_saved_by_person"),
            sa.PrimaryKeyConstraint("code", "version", name=f"pk_{table}"),
        )


def downgrade() -> None:
    for table in DEFINITIONS:
        op.drop_table(table)
    for name in REFERENCES:
        op.drop_column("work_order", name)
    for column in columns():
        op.drop_column("work_order", column.name)
