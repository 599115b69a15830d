"""What came besides a dead letter, of the same sender and reason, and was only counted."""

import sqlalchemy as sa
from alembic import op

revision = "202611221210"
down_revision = "202611221056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dead_letter", sa.Column("more_alike", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("dead_letter", "more_alike")
