"""Severity of each stretch of a condition, because a rule may have levels; and of an alarm after each transition."""

import sqlalchemy as sa
from alembic import op

revision = "202611222001"
down_revision = "202611222000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarm_episode", sa.Column("severity", sa.Text(), server_default="warning", nullable=False))
    # What is over is never asked for its severity again.
    op.execute(
        "UPDATE alarm_episode SET severity = alarm.severity FROM alarm"
        " WHERE alarm.id = alarm_episode.alarm_id AND alarm_episode.ended_at IS NULL"
    )
    op.add_column("alarm_transition", sa.Column("severity", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("alarm_transition", "severity")
    op.drop_column("alarm_episode", "severity")
