"""An owner is asked about each order that a report has been in, and may mark each: a report goes from one to another."""

from collections.abc import Sequence

from alembic import op

revision: str = "202611222107"
down_revision: str | None = "202611222103"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("owner_verdict", "order_rating")


def upgrade() -> None:
    for table in _TABLES:
        op.create_unique_constraint(
            op.f(f"uq_{table}_report_id_work_order_id_attempt"), table, ["report_id", "work_order_id", "attempt"]
        )
        op.drop_constraint(op.f(f"uq_{table}_report_id_attempt"), table, type_="unique")


def downgrade() -> None:
    for table in _TABLES:
        # What was said last of a report is what the former release knows of it.
        op.execute(
            f"DELETE FROM {table} earlier USING {table} later WHERE earlier.report_id = later.report_id"  # noqa: S608
            " AND earlier.attempt = later.attempt AND earlier.id < later.id"
        )
        op.create_unique_constraint(op.f(f"uq_{table}_report_id_attempt"), table, ["report_id", "attempt"])
        op.drop_constraint(op.f(f"uq_{table}_report_id_work_order_id_attempt"), table, type_="unique")
