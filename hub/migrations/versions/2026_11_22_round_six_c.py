"""Nothing yet."""

revision = "202611221902"
down_revision = "202611221901"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
