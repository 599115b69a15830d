"""Alarms that ask again, out of service, tests of detectors, maintenance windows, and where somebody answered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611222003"
down_revision = "202611222002"
branch_labels = None
depends_on = None

_SHELF = "(source IS NOT NULL AND source_id IS NOT NULL AND until IS NOT NULL)"
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("alarm", sa.Column("order_joins", sa.Text(), nullable=True))
    op.add_column("alarm", sa.Column("attended_at", _AT, nullable=True))
    op.add_column("alarm", sa.Column("reminders", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_alarm_open_test", "alarm", ["equipment_id"], postgresql_where=sa.text("is_test AND state <> 'NORMAL'")
    )
    op.add_column("alarm_transition", sa.Column("via", sa.Text(), server_default="", nullable=False))
    _add_test_windows()
    _add_maintenance_windows()
    op.add_column("alarm_inhibition", sa.Column("test_window_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alarm_inhibition_test_window_id"), "alarm_inhibition", "alarm_test_window", ["test_window_id"], ["id"]
    )
    op.create_index(
        "ix_alarm_inhibition_test", "alarm_inhibition", ["test_window_id"],
        postgresql_where=sa.text("test_window_id IS NOT NULL"),
    )  # fmt: skip
    op.drop_constraint(op.f("ck_alarm_inhibition_shelf_is_whole"), "alarm_inhibition", type_="check")
    op.create_check_constraint(
        op.f("ck_alarm_inhibition_shelf_is_whole"), "alarm_inhibition", f"kind <> 'shelved' OR {_SHELF}"
    )
    op.create_check_constraint(
        op.f("ck_alarm_inhibition_test_has_a_window"), "alarm_inhibition",
        "(kind = 'testing') = (test_window_id IS NOT NULL)",
    )  # fmt: skip


def downgrade() -> None:
    # An older release would take each of them for something else.
    op.execute("DELETE FROM alarm_inhibition WHERE kind NOT IN ('inhibited', 'shelved')")
    op.drop_constraint(op.f("ck_alarm_inhibition_test_has_a_window"), "alarm_inhibition", type_="check")
    op.drop_constraint(op.f("ck_alarm_inhibition_shelf_is_whole"), "alarm_inhibition", type_="check")
    op.create_check_constraint(
        op.f("ck_alarm_inhibition_shelf_is_whole"), "alarm_inhibition", f"kind = 'inhibited' OR {_SHELF}"
    )
    op.drop_index("ix_alarm_inhibition_test", "alarm_inhibition")
    op.drop_constraint(op.f("fk_alarm_inhibition_test_window_id"), "alarm_inhibition", type_="foreignkey")
    op.drop_column("alarm_inhibition", "test_window_id")
    op.drop_table("alarm_maintenance_window")
    op.drop_table("alarm_test_window")
    op.drop_column("alarm_transition", "via")
    op.drop_index("ix_alarm_open_test", "alarm")
    for column in ("reminders", "attended_at", "order_joins"):
        op.drop_column("alarm", column)


def _add_test_windows() -> None:
    op.create_table(
        "alarm_test_window",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("site_id", sa.Uuid(), sa.ForeignKey("site.id"), nullable=False),
        sa.Column("equipment_ids", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("begun_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("began_at", _AT, nullable=True),
        sa.Column("until", _AT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("ended_at", _AT, nullable=True),
        sa.Column("real_fire_at", _AT, nullable=True),
        sa.CheckConstraint("begun_by IS NULL OR begun_by <> asked_by", name=op.f("ck_alarm_test_window_two_persons")),
        sa.CheckConstraint("minutes BETWEEN 1 AND 240", name=op.f("ck_alarm_test_window_four_hours_at_most")),
        sa.CheckConstraint("(began_at IS NULL) = (until IS NULL)", name=op.f("ck_alarm_test_window_begun_has_an_end")),
    )
    op.create_index("ix_alarm_test_window_site", "alarm_test_window", ["site_id", "asked_at"])
    op.create_index(
        "ix_alarm_test_window_open", "alarm_test_window", ["until"], postgresql_where=sa.text("ended_at IS NULL")
    )


def _add_maintenance_windows() -> None:
    op.create_table(
        "alarm_maintenance_window",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("site_id", sa.Uuid(), sa.ForeignKey("site.id"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("building_id", sa.Uuid(), sa.ForeignKey("building.id"), nullable=True),
        sa.Column("equipment_ids", postgresql.JSONB(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("starts_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=True),
        sa.Column("weekdays", postgresql.JSONB(), nullable=False),
        sa.Column("from_min", sa.SmallInteger(), nullable=True),
        sa.Column("duration_min", sa.SmallInteger(), nullable=True),
        sa.Column("created_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("ended_by", sa.Uuid(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("ended_at", _AT, nullable=True),
        sa.CheckConstraint(
            "(weekdays = '[]'::jsonb AND ends_at IS NOT NULL AND from_min IS NULL AND duration_min IS NULL)"
            " OR (weekdays <> '[]'::jsonb AND from_min BETWEEN 0 AND 1439 AND duration_min BETWEEN 1 AND 1440)",
            name=op.f("ck_alarm_maintenance_window_schedule_is_whole"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_alarm_maintenance_window_ends_after_it_starts")),
    )
    op.create_index(
        "ix_alarm_maintenance_window_standing", "alarm_maintenance_window", ["site_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
