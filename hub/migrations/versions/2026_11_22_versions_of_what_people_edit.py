"""A version of what several people edit: people, buildings, places, contractors, their contracts, webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "202611221900"
down_revision = "202611221650"
branch_labels = None
depends_on = None

TABLES = ("person", "building", "space", "contractor", "maintenance_contract", "webhook_endpoint")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "version")
