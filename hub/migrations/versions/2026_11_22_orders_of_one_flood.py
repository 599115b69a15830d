"""Which flood of alarms an order came of, so that its people are told once of all such orders."""

import sqlalchemy as sa
from alembic import op

revision = "202611222101"
down_revision = "202611222007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_order_alarm", sa.Column("told_with", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("work_order_alarm", "told_with")
