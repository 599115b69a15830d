"""What the hub dropped, hour by hour, of all its processes."""

import sqlalchemy as sa
from alembic import op

revision = "202611220950"
down_revision = "202611220935"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drop_tally",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("counter", "labels", "process", "hour", name=op.f("pk_drop_tally")),
    )
    op.create_index("ix_drop_tally_hour", "drop_tally", ["hour"])


def downgrade() -> None:
    op.drop_index("ix_drop_tally_hour", table_name="drop_tally")
    op.drop_table("drop_tally")
