"""Nothing yet."""

revision = "202611222008"
down_revision = "202611222007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
