"""Indexes by which all work orders ever are sorted within a span of time."""

import sqlalchemy as sa
from alembic import op

revision = "202611221056"
down_revision = "202611220950"
branch_labels = None
depends_on = None

LONG = "response_due_at - opened_at > interval '14 days' OR resolution_due_at - opened_at > interval '14 days'"


def upgrade() -> None:
    for column in ("priority", "state"):
        op.drop_index(op.f(f"ix_work_order_{column}_id"), table_name="work_order")
        op.create_index(op.f(f"ix_work_order_{column}_opened_at_id"), "work_order", [column, "opened_at", "id"])
    op.create_index("ix_work_order_long", "work_order", ["opened_at"], postgresql_where=sa.text(LONG))


def downgrade() -> None:
    op.drop_index("ix_work_order_long", table_name="work_order")
    for column in ("state", "priority"):
        op.drop_index(op.f(f"ix_work_order_{column}_opened_at_id"), table_name="work_order")
        op.create_index(op.f(f"ix_work_order_{column}_id"), "work_order", [column, "id"])
