"""Nothing yet."""

revision = "202611222004"
down_revision = "202611222003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
