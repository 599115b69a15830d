"""Measures of orders for figures, and what has to be measured (anew): at first, every order."""

import sqlalchemy as sa
from alembic import op

revision = "202611221904"
down_revision = "202611221903"
branch_labels = None
depends_on = None

# The newest first: that is what people look at. An order that repeats another changes what the other counts as.
EVERY_ORDER = (
    "INSERT INTO order_measure_due (site_id, work_order_id) SELECT site_id, id FROM work_order ORDER BY id DESC"
)
ENTER = """
CREATE FUNCTION enter_order_to_measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_measure_due (site_id, work_order_id) VALUES (NEW.site_id, NEW.id);
    IF NEW.repeat_of_id IS NOT NULL THEN
        INSERT INTO order_measure_due (site_id, work_order_id) VALUES (NEW.site_id, NEW.repeat_of_id);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.repeat_of_id IS NOT NULL AND OLD.repeat_of_id IS DISTINCT FROM NEW.repeat_of_id THEN
        INSERT INTO order_measure_due (site_id, work_order_id) VALUES (NEW.site_id, OLD.repeat_of_id);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION enter_orders_row_to_measure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO order_measure_due (site_id, work_order_id) VALUES (OLD.site_id, OLD.work_order_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO order_measure_due (site_id, work_order_id) VALUES (NEW.site_id, NEW.work_order_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER work_order_is_measured AFTER INSERT OR UPDATE ON work_order
    FOR EACH ROW EXECUTE FUNCTION enter_order_to_measure();
CREATE TRIGGER order_rating_is_measured AFTER INSERT OR UPDATE OR DELETE ON order_rating
    FOR EACH ROW EXECUTE FUNCTION enter_orders_row_to_measure();
CREATE TRIGGER work_order_timeline_is_measured AFTER INSERT ON work_order_timeline
    FOR EACH ROW WHEN (NEW.what = 'moved') EXECUTE FUNCTION enter_orders_row_to_measure();
"""
LEAVE = """
DROP TRIGGER work_order_timeline_is_measured ON work_order_timeline;
DROP TRIGGER order_rating_is_measured ON order_rating;
DROP TRIGGER work_order_is_measured ON work_order;
DROP FUNCTION enter_orders_row_to_measure();
DROP FUNCTION enter_order_to_measure();
"""


def upgrade() -> None:
    op.create_table(
        "order_measure_due",
        sa.Column("no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_order_measure_due")),
    )
    op.create_table(
        "order_measure",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("building_id", sa.Uuid()),
        sa.Column("equipment_id", sa.Uuid()),
        sa.Column("assignee_id", sa.Uuid()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("answered_in_time", sa.Boolean()),
        sa.Column("arrived_in_time", sa.Boolean()),
        sa.Column("done_in_time", sa.Boolean()),
        sa.Column("is_mended", sa.Boolean(), nullable=False),
        sa.Column("is_fixed_at_once", sa.Boolean(), nullable=False),
        sa.Column("is_failure", sa.Boolean(), nullable=False),
        sa.Column("is_repeat", sa.Boolean(), nullable=False),
        sa.Column("answer_missed_at", sa.DateTime(timezone=True)),
        sa.Column("arrival_missed_at", sa.DateTime(timezone=True)),
        sa.Column("end_missed_at", sa.DateTime(timezone=True)),
        sa.Column("response_s", sa.Double()),
        sa.Column("resolution_s", sa.Double()),
        sa.Column("held_s", sa.Double(), nullable=False),
        sa.Column("stars", sa.Double()),
        sa.Column("cost", sa.Numeric(12, 2), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("left_out", sa.Text()),
        sa.Column("equipment_kind", sa.Text()),
        sa.Column("equipment_code", sa.Text()),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_order_measure_site_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_order_measure_work_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("work_order_id", name=op.f("pk_order_measure")),
    )
    op.create_index(op.f("ix_order_measure_site_id_opened_at"), "order_measure", ["site_id", "opened_at"])
    op.create_index(op.f("ix_order_measure_opened_at"), "order_measure", ["opened_at"])
    op.execute(ENTER)
    op.execute(EVERY_ORDER)


def downgrade() -> None:
    op.execute(LEAVE)
    op.drop_table("order_measure")
    op.drop_table("order_measure_due")
