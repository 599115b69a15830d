"""Jobs of sweeps that nobody works any more: sweeps need none now."""

from alembic import op

revision = "202611221345"
down_revision = "202611221215"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # An empty database gets the tables of the jobs after its own.
    op.execute("""
        DO $$ BEGIN
            IF to_regclass('procrastinate_jobs') IS NOT NULL THEN
                DELETE FROM procrastinate_jobs WHERE queue_name = 'sweeps';
                DELETE FROM procrastinate_periodic_defers;  -- nothing but sweeps was periodic
            END IF;
        END $$
    """)


def downgrade() -> None:
    """What was dropped is not missed: an older release defers the next turn of each sweep itself."""
