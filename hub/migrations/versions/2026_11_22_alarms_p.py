"""Nothing yet."""

revision = "202611222006"
down_revision = "202611222005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
