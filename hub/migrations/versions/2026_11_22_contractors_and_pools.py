"""Contractors and how orders are given out."""

revision = "202611221610"
down_revision = "202611221605"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
