"""Contractors and what they maintain; where buildings lie; orders that wait to be taken, and plans for many."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221610"
down_revision = "202611221605"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)
TABLES = (
    "dispatch_plan_item", "dispatch_plan", "dispatch_wait", "maintenance_contract", "contractor_person",
    "contractor_contact", "contractor",
)  # fmt: skip


def upgrade() -> None:
    _contractors()
    _contracts()
    for name in ("latitude", "longitude"):
        op.add_column("building", sa.Column(name, sa.Double()))
    op.add_column("work_order", sa.Column("contractor_id", sa.Uuid()))
    op.create_foreign_key("fk_work_order_contractor_id", "work_order", "contractor", ["contractor_id"], ["id"])
    _waits()
    _plans()
    _indexes()


def downgrade() -> None:
    op.drop_index("ix_dispatch_offer_person_id_offered_at", "dispatch_offer")
    op.drop_index("ix_work_order_arrival", "work_order")
    op.drop_index("ix_work_order_in_hand", "work_order")
    op.drop_column("work_order", "contractor_id")
    for name in ("latitude", "longitude"):
        op.drop_column("building", name)
    for table in TABLES:
        op.drop_table(table)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _of(name: str, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=optional)


def _refers(table: str, name: str, to: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    ondelete = "CASCADE" if cascade else None
    return sa.ForeignKeyConstraint([name], [f"{to}.id"], name=f"fk_{table}_{name}", ondelete=ondelete)


def _contractors() -> None:
    op.create_table(
        "contractor",
        _id(),
        _of("site_id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("license_no", sa.Text()),
        sa.Column("hotline", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        _refers("contractor", "site_id", "site"),
        sa.PrimaryKeyConstraint("id", name="pk_contractor"),
        sa.UniqueConstraint("site_id", "name", name="uq_contractor_site_id_name"),
    )
    op.create_table(
        "contractor_contact",
        _id(),
        _of("site_id"),
        _of("contractor_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        _refers("contractor_contact", "site_id", "site"),
        _refers("contractor_contact", "contractor_id", "contractor", cascade=True),
        sa.PrimaryKeyConstraint("id", name="pk_contractor_contact"),
        sa.UniqueConstraint("contractor_id", "position", name="uq_contractor_contact_contractor_id_position"),
    )
    op.create_table(
        "contractor_person",
        _of("site_id"),
        _of("person_id"),
        _of("contractor_id"),
        _refers("contractor_person", "site_id", "site"),
        _refers("contractor_person", "person_id", "person", cascade=True),
        _refers("contractor_person", "contractor_id", "contractor", cascade=True),
        sa.PrimaryKeyConstraint("site_id", "person_id", name="pk_contractor_person"),
    )
    op.create_index("ix_contractor_person_contractor_id", "contractor_person", ["contractor_id"])


def _contracts() -> None:
    op.create_table(
        "maintenance_contract",
        _id(),
        _of("site_id"),
        _of("contractor_id"),
        _of("equipment_id"),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("arrival_min", sa.Double(), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR starts_on <= ends_on", name="ck_maintenance_contract_order"),
        sa.CheckConstraint("arrival_min > 0", name="ck_maintenance_contract_arrival_min"),
        postgresql.ExcludeConstraint(
            (sa.column("equipment_id"), "="),
            (sa.text("daterange(starts_on, ends_on, '[]'::text)"), "&&"),
            using="gist",
            name="ex_maintenance_contract_overlap",
        ),
        _refers("maintenance_contract", "site_id", "site"),
        _refers("maintenance_contract", "contractor_id", "contractor"),
        _refers("maintenance_contract", "equipment_id", "equipment", cascade=True),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance_contract"),
    )
    op.create_index("ix_maintenance_contract_contractor_id", "maintenance_contract", ["contractor_id"])
    op.create_index("ix_maintenance_contract_site_id", "maintenance_contract", ["site_id"])


def _waits() -> None:
    open_ones = sa.text("outcome IS NULL")
    op.create_table(
        "dispatch_wait",
        _id(),
        _of("site_id"),
        _of("work_order_id"),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("person_ids", JSON, nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("ended_at", TIME),
        _refers("dispatch_wait", "site_id", "site"),
        _refers("dispatch_wait", "work_order_id", "work_order"),
        sa.PrimaryKeyConstraint("id", name="pk_dispatch_wait"),
    )
    op.create_index(
        "uq_dispatch_wait_open", "dispatch_wait", ["work_order_id"], unique=True, postgresql_where=open_ones
    )
    op.create_index("ix_dispatch_wait_due", "dispatch_wait", ["ends_at"], postgresql_where=open_ones)
    op.create_index("ix_dispatch_wait_work_order_id", "dispatch_wait", ["work_order_id"])


def _indexes() -> None:
    still_open = sa.text("state NOT IN ('verified', 'closed', 'cancelled')")
    op.create_index("ix_work_order_in_hand", "work_order", ["assignee_id"], postgresql_where=still_open)
    op.create_index(
        "ix_work_order_arrival", "work_order", ["assignee_id", "arrived_at"],
        postgresql_where=sa.text("arrived_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_dispatch_offer_person_id_offered_at", "dispatch_offer", ["person_id", "offered_at"])


def _plans() -> None:
    op.create_table(
        "dispatch_plan",
        _id(),
        _of("site_id"),
        sa.Column("made_at", TIME, nullable=False),
        _of("made_by", optional=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        _refers("dispatch_plan", "site_id", "site"),
        _refers("dispatch_plan", "made_by", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_dispatch_plan"),
    )
    op.create_index("ix_dispatch_plan_site_id_made_at", "dispatch_plan", ["site_id", "made_at"])
    op.create_table(
        "dispatch_plan_item",
        _of("plan_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        _of("site_id"),
        _of("work_order_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _of("before_id", optional=True),
        _of("person_id"),
        sa.Column("score", sa.Integer()),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("outcome", sa.Text()),
        _refers("dispatch_plan_item", "plan_id", "dispatch_plan", cascade=True),
        _refers("dispatch_plan_item", "site_id", "site"),
        _refers("dispatch_plan_item", "work_order_id", "work_order"),
        _refers("dispatch_plan_item", "before_id", "person"),
        _refers("dispatch_plan_item", "person_id", "person"),
        sa.PrimaryKeyConstraint("plan_id", "position", name="pk_dispatch_plan_item"),
    )
