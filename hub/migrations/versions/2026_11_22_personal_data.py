"""Legal bases, consents, requests about personal data."""

revision = "202611221650"
down_revision = "202611221645"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
