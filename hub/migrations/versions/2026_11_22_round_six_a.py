"""Nothing yet."""

revision = "202611221900"
down_revision = "202611221650"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
