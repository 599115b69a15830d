"""Nothing yet."""

revision = "202611221903"
down_revision = "202611221902"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
