"""Approvals: steps, votes, delegations."""

revision = "202611221645"
down_revision = "202611221640"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
