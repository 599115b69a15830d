"""What owners say of finished work: ratings, rejections, urging."""

revision = "202611221640"
down_revision = "202611221635"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
