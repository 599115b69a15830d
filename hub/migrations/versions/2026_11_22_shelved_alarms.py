"""Alarms can be shelved: one condition put away by an operator until a time."""

import sqlalchemy as sa
from alembic import op

revision = "202611220905"
down_revision = "20261122"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarm", sa.Column("shelved_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alarm_inhibition", sa.Column("kind", sa.Text(), server_default="inhibited", nullable=False))
    op.add_column("alarm_inhibition", sa.Column("source", sa.Text(), nullable=True))
    op.add_column("alarm_inhibition", sa.Column("source_id", sa.Text(), nullable=True))
    op.add_column("alarm_inhibition", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_alarm_inhibition_person_id"), "alarm_inhibition", "person", ["person_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_alarm_inhibition_shelf_is_whole"),
        "alarm_inhibition",
        "kind = 'inhibited' OR (source IS NOT NULL AND source_id IS NOT NULL AND until IS NOT NULL)",
    )


def downgrade() -> None:
    # What was shelved would otherwise come back as an inhibition of the whole equipment.
    op.execute("DELETE FROM alarm_inhibition WHERE kind = 'shelved'")
    op.drop_constraint(op.f("ck_alarm_inhibition_shelf_is_whole"), "alarm_inhibition", type_="check")
    op.drop_constraint(op.f("fk_alarm_inhibition_person_id"), "alarm_inhibition", type_="foreignkey")
    for column in ("person_id", "source_id", "source", "kind"):
        op.drop_column("alarm_inhibition", column)
    op.drop_column("alarm", "shelved_until")
