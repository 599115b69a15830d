"""Locks on equipment, and tests of detectors that somebody signed off."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611222103"
down_revision = "202611222101"
branch_labels = None
depends_on = None

_LIST = sa.text("'[]'::jsonb")
_SIGNED = ("signed_by", "signed_at", "untried", "unheard", "sign_off_note")


def upgrade() -> None:
    op.add_column("alarm_inhibition", sa.Column("released_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alarm_inhibition_released_by"), "alarm_inhibition", "person", ["released_by"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_alarm_inhibition_lock_is_somebodys"), "alarm_inhibition",
        "kind <> 'locked_out' OR (person_id IS NOT NULL AND source IS NULL AND fault_mode IS NULL)",
    )  # fmt: skip
    op.create_index(
        "uq_alarm_inhibition_lock", "alarm_inhibition", ["equipment_id", "person_id"], unique=True,
        postgresql_where=sa.text("kind = 'locked_out' AND released_at IS NULL"),
    )  # fmt: skip
    _add_signing()


def downgrade() -> None:
    # An older release does not know them, and would fail over each of their alarms.
    op.execute("UPDATE alarm SET suppressed_by = NULL WHERE suppressed_by = 'locked_out'")
    op.execute("DELETE FROM alarm_inhibition WHERE kind = 'locked_out'")
    op.execute("DELETE FROM alarm_transition WHERE kind IN ('locked_out', 'locks_off')")
    op.drop_index("uq_alarm_inhibition_lock", "alarm_inhibition")
    op.drop_constraint(op.f("ck_alarm_inhibition_lock_is_somebodys"), "alarm_inhibition", type_="check")
    op.drop_constraint(op.f("fk_alarm_inhibition_released_by"), "alarm_inhibition", type_="foreignkey")
    op.drop_column("alarm_inhibition", "released_by")
    op.drop_index("ix_alarm_test_window_unsigned", "alarm_test_window")
    op.drop_constraint(op.f("ck_alarm_test_window_signed_when_over"), "alarm_test_window", type_="check")
    for column in _SIGNED:
        op.drop_column("alarm_test_window", column)


def _add_signing() -> None:
    at = sa.DateTime(timezone=True)
    op.add_column("alarm_test_window", sa.Column("signed_by", sa.Uuid(), nullable=True))
    op.add_column("alarm_test_window", sa.Column("signed_at", at, nullable=True))
    for name in ("untried", "unheard"):
        op.add_column("alarm_test_window", sa.Column(name, postgresql.JSONB(), server_default=_LIST, nullable=False))
    op.add_column("alarm_test_window", sa.Column("sign_off_note", sa.Text(), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_alarm_test_window_signed_by"), "alarm_test_window", "person", ["signed_by"], ["id"])
    op.create_check_constraint(
        op.f("ck_alarm_test_window_signed_when_over"), "alarm_test_window",
        "(signed_at IS NULL) = (signed_by IS NULL) AND (signed_at IS NULL OR ended_at IS NOT NULL)",
    )  # fmt: skip
    op.create_index(
        "ix_alarm_test_window_unsigned", "alarm_test_window", ["site_id"],
        postgresql_where=sa.text("began_at IS NOT NULL AND signed_at IS NULL"),
    )  # fmt: skip
