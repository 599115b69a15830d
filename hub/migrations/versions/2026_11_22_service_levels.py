"""Service levels: policies, business calendars, what holds in a city; when an order's clocks are looked at next."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221605"
down_revision = "202611221600"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)
OPEN = "state NOT IN ('verified', 'closed', 'cancelled')"
OPEN_FACTS = [
    "site_id", "state", "priority", "kind", "building_id", "assignee_id", "equipment_id", "repeat_of_id", "number",
    "response_due_at", "resolution_due_at", "responded_at", "done_at", "held_since",
]  # fmt: skip
DUE = ("response_due_at", "resolution_due_at")
# What the sweep took over from its predecessors: a breach that was told already is not told again.
ADOPT = """
UPDATE work_order SET sla_next_at = now(), sla_steps =
    CASE WHEN response_escalated_at IS NULL THEN '{}'::jsonb ELSE '{"response": {"step": 2}}' END
    || CASE WHEN resolution_escalated_at IS NULL THEN '{}'::jsonb ELSE '{"resolution": {"step": 2}}' END
WHERE state NOT IN ('done', 'verified', 'closed', 'cancelled')
"""
# Minutes that a site set for itself were minutes of the clock, and stay that.
KEEP_COUNTING = """
UPDATE site SET settings = jsonb_set(settings, '{{deadlines,{key},counted_in}}', '"always"')
WHERE jsonb_typeof(settings #> '{{deadlines,{key}}}') = 'object'
"""
FORGET_COUNTING = "UPDATE site SET settings = settings #- '{{deadlines,{key},counted_in}}'"
BY_DAY = ("priority_3", "priority_4")


def site() -> "sa.Column[Any]":
    return sa.Column("site_id", sa.Uuid())


def changed() -> list["sa.Column[Any]"]:
    return [sa.Column("changed_at", TIME, nullable=False), sa.Column("changed_by", sa.Uuid())]


def references(table: str, *, with_site: bool = True) -> list[sa.ForeignKeyConstraint]:
    found = [sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=f"fk_{table}_changed_by_person")]
    return (
        [*found, sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=f"fk_{table}_site_id_site")]
        if with_site
        else found
    )


def upgrade() -> None:
    op.create_table(
        "service_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        site(),
        sa.Column("kind", sa.Text()),
        sa.Column("priority", sa.Integer()),
        sa.Column("contract_no", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("says", JSON, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *changed(),
        *references("service_policy"),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_service_policy_priority")),
        sa.PrimaryKeyConstraint("id", name="pk_service_policy"),
        sa.UniqueConstraint(
            "site_id",
            "kind",
            "priority",
            "contract_no",
            name="uq_service_policy_for",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "business_week",
        sa.Column("id", sa.Uuid(), nullable=False),
        site(),
        sa.Column("hours", JSON, nullable=False),
        sa.Column("keeps_holidays", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *changed(),
        *references("business_week"),
        sa.PrimaryKeyConstraint("id", name="pk_business_week"),
        sa.UniqueConstraint("site_id", name="uq_business_week_site_id", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "business_day",
        sa.Column("id", sa.Uuid(), nullable=False),
        site(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hours", JSON),
        *changed(),
        *references("business_day"),
        sa.PrimaryKeyConstraint("id", name="pk_business_day"),
        sa.UniqueConstraint("site_id", "day", name="uq_business_day_site_id_day", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "city_settings",
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        *changed(),
        *references("city_settings", with_site=False),
        sa.PrimaryKeyConstraint("city", name="pk_city_settings"),
    )
    op.create_table(
        "calendar_warning",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("told_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_calendar_warning_site_id_site"),
        sa.PrimaryKeyConstraint("site_id", "year", name="pk_calendar_warning"),
    )
    op.add_column("work_order", sa.Column("sla_next_at", TIME))
    op.add_column("work_order", sa.Column("sla_steps", JSON, server_default=sa.text("'{}'"), nullable=False))
    for name in ("response_due", "arrival_due", "resolution_due", "open", *(f"long_{due}" for due in DUE)):
        op.drop_index(f"ix_work_order_{name}", table_name="work_order")
    op.execute(ADOPT)
    for key in BY_DAY:
        op.execute(KEEP_COUNTING.format(key=key))
    op.create_index(
        "ix_work_order_sla_next", "work_order", ["sla_next_at"], postgresql_where=sa.text("sla_next_at IS NOT NULL")
    )
    create_open([*OPEN_FACTS, "arrival_due_at", "arrived_at", "searched"])
    create_long(days=6)


def downgrade() -> None:
    for name in ("sla_next", "open", *(f"long_{due}" for due in DUE)):
        op.drop_index(f"ix_work_order_{name}", table_name="work_order")
    create_long(days=4)
    create_open([*OPEN_FACTS, "searched"])
    for name, column, what in (
        ("response", "response_due_at", "responded_at IS NULL AND response_escalated_at IS NULL"),
        ("resolution", "resolution_due_at", "done_at IS NULL AND resolution_escalated_at IS NULL"),
        (
            "arrival", "arrival_due_at",
            "arrival_due_at IS NOT NULL AND arrived_at IS NULL AND arrival_escalated_at IS NULL AND done_at IS NULL",
        ),
    ):  # fmt: skip
        op.create_index(f"ix_work_order_{name}_due", "work_order", [column], postgresql_where=sa.text(what))
    for key in BY_DAY:
        op.execute(FORGET_COUNTING.format(key=key))
    for column in ("sla_next_at", "sla_steps"):
        op.drop_column("work_order", column)
    for table in ("calendar_warning", "city_settings", "business_day", "business_week", "service_policy"):
        op.drop_table(table)


def create_open(facts: list[str]) -> None:
    op.create_index(
        "ix_work_order_open", "work_order", ["opened_at", "id"], postgresql_where=sa.text(OPEN),
        postgresql_include=facts,
    )  # fmt: skip


def create_long(*, days: int) -> None:
    for due in DUE:
        long = f"{due} - opened_at > interval '{days} days'"
        op.create_index(f"ix_work_order_long_{due}", "work_order", [due], postgresql_where=sa.text(long))
