"""Rules on orders, webhooks and their deliveries; digests."""

revision = "202611221635"
down_revision = "202611221630"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
