"""Service levels: calendars, targets, escalation."""

revision = "202611221605"
down_revision = "202611221600"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
