"""Stock, price lists, quotations, who pays."""

revision = "202611221630"
down_revision = "202611221625"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
