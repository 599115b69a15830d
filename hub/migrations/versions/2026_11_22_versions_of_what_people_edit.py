"""A version of what several people edit, and the further sites that a record of the audit is of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "202611221900"
down_revision = "202611221650"
branch_labels = None
depends_on = None

TABLES = ("person", "building", "space", "contractor", "maintenance_contract", "webhook_endpoint")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("audit_record", sa.Column("also_at", JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.create_index("ix_audit_record_also_at", "audit_record", ["also_at"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_audit_record_also_at", "audit_record")
    op.drop_column("audit_record", "also_at")
    for table in TABLES:
        op.drop_column(table, "version")
