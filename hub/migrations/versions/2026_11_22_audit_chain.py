"""The audit chain; requests that were answered before."""

revision = "202611221620"
down_revision = "202611221615"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
