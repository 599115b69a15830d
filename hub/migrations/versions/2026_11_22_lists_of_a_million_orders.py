"""Indexes by which lists of a million work orders and alarms are narrowed, sorted and searched."""

import sqlalchemy as sa
from alembic import op

revision = "202611220935"
down_revision = "202611220905"
branch_labels = None
depends_on = None

SEARCHED = (
    "lower(number || ' ' || place || ' ' || coalesce(equipment_code, '') || ' ' || coalesce(title ->> 'zh-CN', ''))"
)
SPACED = f"regexp_replace({SEARCHED}, '(.)', '\\1\\1\\1', 'g')"
SORTED = {
    "ix_work_order_opened_at_id": ["opened_at", "id"],
    "ix_work_order_response_due_at_id": ["response_due_at", "id"],
    "ix_work_order_resolution_due_at_id": ["resolution_due_at", "id"],
    "ix_work_order_priority_id": ["priority", "id"],
    "ix_work_order_state_id": ["state", "id"],
    "ix_work_order_building_id_opened_at": ["building_id", "opened_at"],
}


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for name, columns in SORTED.items():
        op.create_index(op.f(name), "work_order", columns)
    op.create_index(
        op.f("ix_work_order_state_priority_kind_opened_at"),
        "work_order",
        ["state", "priority", "kind", "opened_at"],
        postgresql_include=["site_id"],
    )
    op.create_index(
        "ix_work_order_open",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text("state NOT IN ('verified', 'closed', 'cancelled')"),
        postgresql_include=[
            "site_id", "state", "priority", "kind", "building_id", "assignee_id", "equipment_id", "repeat_of_id",
            "number", "response_due_at", "resolution_due_at", "responded_at", "done_at", "held_since",
        ],
    )  # fmt: skip
    op.create_index(
        "ix_work_order_repeat",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text("repeat_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_work_order_rare_kind",
        "work_order",
        ["kind", "opened_at", "id"],
        postgresql_where=sa.text("kind <> 'repair'"),
    )
    for name, expression in (("ix_work_order_searched", SEARCHED), ("ix_work_order_spaced", SPACED)):
        op.create_index(name, "work_order", [sa.text(f"({expression}) gin_trgm_ops")], postgresql_using="gin")
    op.create_index("ix_alarm_open_raised", "alarm", ["raised_at", "id"], postgresql_where=sa.text("state <> 'NORMAL'"))
    op.create_index(op.f("ix_alarm_onset_at_id"), "alarm", ["onset_at", "id"])
    op.create_index(op.f("ix_alarm_raised_at_id"), "alarm", ["raised_at", "id"])


def downgrade() -> None:
    for name in ("ix_alarm_raised_at_id", "ix_alarm_onset_at_id", "ix_alarm_open_raised"):
        op.drop_index(name, table_name="alarm")
    for name in (
        "ix_work_order_spaced",
        "ix_work_order_searched",
        "ix_work_order_rare_kind",
        "ix_work_order_repeat",
        "ix_work_order_open",
        "ix_work_order_state_priority_kind_opened_at",
        *reversed(SORTED),
    ):
        op.drop_index(name, table_name="work_order")
