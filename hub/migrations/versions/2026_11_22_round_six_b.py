"""Nothing yet."""

revision = "202611221901"
down_revision = "202611221900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
