"""Articles of the knowledge base."""

revision = "202611221625"
down_revision = "202611221620"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
