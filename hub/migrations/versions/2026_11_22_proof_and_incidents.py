"""Proof of work by telemetry; incidents that belong together."""

revision = "202611221615"
down_revision = "202611221610"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
