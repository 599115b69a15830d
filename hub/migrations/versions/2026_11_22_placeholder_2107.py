"""placeholder."""

from collections.abc import Sequence

revision: str = "202611222107"
down_revision: str | None = "202611222106"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
