"""What reporters filled in and when somebody may come, kept with their report: one that joins loses neither."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221901"
down_revision = "202611221900"
branch_labels = None
depends_on = None

FORM = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column("report", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("report", sa.Column("kind_version", sa.Integer(), nullable=True))
    op.add_column("report", sa.Column("form", FORM, nullable=False, server_default=sa.text("'{}'")))
    op.add_column("report", sa.Column("appointment_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("appointment_at", "form", "kind_version", "kind"):
        op.drop_column("report", name)
