"""Nothing yet."""

revision = "202611221905"
down_revision = "202611221904"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
