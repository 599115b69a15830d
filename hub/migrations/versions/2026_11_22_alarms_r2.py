"""Nothing yet."""

revision = "202611222001"
down_revision = "202611222000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
