"""Lists of work orders: words by grams, sites by an index that holds what is filtered, due times by time of opening.

Rewrites the table, so that the indexes that are made anew are dropped first. A million orders take some minutes.
"""

import sqlalchemy as sa
from alembic import op

revision = "202611221215"
down_revision = "202611221210"
branch_labels = None
depends_on = None

SEARCHED = (
    "lower(number || ' ' || place || ' ' || coalesce(equipment_code, '') || ' ' || coalesce(title ->> 'zh-CN', ''))"
)
SPACED = f"regexp_replace({SEARCHED}, '(.)', '\\1\\1\\1', 'g')"
OPEN = "state NOT IN ('verified', 'closed', 'cancelled')"
OPEN_FACTS = [
    "site_id", "state", "priority", "kind", "building_id", "assignee_id", "equipment_id", "repeat_of_id", "number",
    "response_due_at", "resolution_due_at", "responded_at", "done_at", "held_since",
]  # fmt: skip
DUE = ("response_due_at", "resolution_due_at")
LONG = "interval '4 days'"
SITE_FACTS = ["state", "priority", "kind"]
# Said to be dear, so that the planner asks the index and does not compute it for row after row.
GRAMS = """
CREATE FUNCTION letters_and_pairs(words text) RETURNS text[] IMMUTABLE STRICT PARALLEL SAFE COST 10000 LANGUAGE sql AS
$$
    SELECT array_agg(letter) || array_agg(letter || next)
    FROM (SELECT letter, lead(letter, 1, '') OVER (ORDER BY place) AS next
          FROM string_to_table(words, NULL) WITH ORDINALITY AS letters (letter, place)) AS pairs
$$
"""


def upgrade() -> None:
    for name in (
        "ix_work_order_searched",
        "ix_work_order_spaced",
        "ix_work_order_response_due_at_id",
        "ix_work_order_resolution_due_at_id",
        "ix_work_order_site_id_opened_at",
        "ix_work_order_state_priority_kind_opened_at",
        "ix_work_order_open",
        "ix_work_order_repeat",
        "ix_work_order_rare_kind",
        "ix_work_order_long",
    ):
        op.drop_index(name, table_name="work_order")
    op.execute(GRAMS)
    op.add_column("work_order", sa.Column("searched", sa.Text(), sa.Computed(SEARCHED, persisted=True), nullable=False))
    op.create_index(
        "ix_work_order_grams", "work_order", [sa.text("letters_and_pairs(searched)")], postgresql_using="gin"
    )  # fmt: skip
    op.create_index(
        op.f("ix_work_order_site_id_opened_at_id"),
        "work_order",
        ["site_id", "opened_at", "id"],
        postgresql_include=SITE_FACTS,
    )
    op.create_index(
        op.f("ix_work_order_state_priority_opened_at_id"), "work_order", ["state", "priority", "opened_at", "id"]
    )
    op.create_index(
        "ix_work_order_open",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text(OPEN),
        postgresql_include=[*OPEN_FACTS, "searched"],
    )
    op.create_index(
        "ix_work_order_repeat",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text("repeat_of_id IS NOT NULL"),
        postgresql_include=["site_id", *SITE_FACTS],
    )
    op.create_index(
        "ix_work_order_rare_kind",
        "work_order",
        ["kind", "opened_at", "id"],
        postgresql_where=sa.text("kind <> 'repair'"),
        postgresql_include=["site_id", "state", "priority"],
    )
    for due in DUE:
        op.create_index(
            f"ix_work_order_long_{due}", "work_order", [due], postgresql_where=sa.text(f"{due} - opened_at > {LONG}")
        )
        # Else the planner takes a third of all orders for long.
        op.execute(f"CREATE STATISTICS st_work_order_{due}_after ON ({due} - opened_at) FROM work_order")
    op.execute("ANALYZE work_order")


def downgrade() -> None:
    for due in DUE:
        op.execute(f"DROP STATISTICS st_work_order_{due}_after")
    for name in (
        *(f"ix_work_order_long_{due}" for due in DUE),
        "ix_work_order_rare_kind",
        "ix_work_order_repeat",
        "ix_work_order_open",
        "ix_work_order_state_priority_opened_at_id",
        "ix_work_order_site_id_opened_at_id",
        "ix_work_order_grams",
    ):
        op.drop_index(name, table_name="work_order")
    op.drop_column("work_order", "searched")
    op.execute("DROP FUNCTION letters_and_pairs(text)")
    long = " OR ".join(f"{due} - opened_at > interval '14 days'" for due in DUE)
    op.create_index("ix_work_order_long", "work_order", ["opened_at"], postgresql_where=sa.text(long))
    op.create_index(
        "ix_work_order_rare_kind",
        "work_order",
        ["kind", "opened_at", "id"],
        postgresql_where=sa.text("kind <> 'repair'"),
    )
    op.create_index(
        "ix_work_order_repeat",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text("repeat_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_work_order_open",
        "work_order",
        ["opened_at", "id"],
        postgresql_where=sa.text(OPEN),
        postgresql_include=OPEN_FACTS,
    )
    op.create_index(
        op.f("ix_work_order_state_priority_kind_opened_at"),
        "work_order",
        ["state", "priority", "kind", "opened_at"],
        postgresql_include=["site_id"],
    )
    op.create_index(op.f("ix_work_order_site_id_opened_at"), "work_order", ["site_id", "opened_at"])
    for column in ("resolution_due_at", "response_due_at"):
        op.create_index(op.f(f"ix_work_order_{column}_id"), "work_order", [column, "id"])
    for name, expression in (("ix_work_order_searched", SEARCHED), ("ix_work_order_spaced", SPACED)):
        op.create_index(name, "work_order", [sa.text(f"({expression}) gin_trgm_ops")], postgresql_using="gin")
