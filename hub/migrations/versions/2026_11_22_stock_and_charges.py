"""Stock, price lists, quotations, who pays; checklists, labour, helpers, arrivals and contractors' links.

The ledger of stock is append-only: a trigger refuses to change a line of it or to take one out.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221630"
down_revision = "202611221625"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TABLES = (
    "storehouse", "part", "stock_level", "stock_movement", "warranty_term", "price_list_version", "quotation",
    "charge", "checklist_version", "order_checklist", "checklist_answer", "labour_entry", "work_order_helper",
    "check_in", "contractor_link",
)  # fmt: skip
KEEP_LEDGER = """
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger % is append-only: enter a correcting movement', TG_TABLE_NAME;
END $$;
CREATE TRIGGER stock_movement_is_append_only BEFORE UPDATE OR DELETE ON stock_movement
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
"""


def upgrade() -> None:
    op.add_column("attachment", sa.Column("purpose", sa.Text(), server_default="work", nullable=False))
    op.add_column("space", sa.Column("qr_token", sa.Text()))
    op.create_unique_constraint("uq_space_qr_token", "space", ["qr_token"])
    op.create_table(
        "storehouse",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keeper_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["keeper_id"], ["person.id"], name=op.f("fk_storehouse_keeper_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_storehouse_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storehouse")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_storehouse_site_id_code")),
    )
    op.create_table(
        "part",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_part_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_part_site_id_code")),
    )
    op.create_table(
        "stock_level",
        sa.Column("storehouse_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=14, scale=3), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.Numeric(precision=14, scale=3), server_default=sa.text("0"), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=2), server_default=sa.text("0"), nullable=False),
        sa.Column("average_cost", sa.Numeric(precision=14, scale=4), server_default=sa.text("0"), nullable=False),
        sa.Column("minimum", sa.Numeric(precision=14, scale=3), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("minimum >= 0", name=op.f("ck_stock_level_minimum")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_level_on_hand")),
        sa.CheckConstraint("reserved >= 0 AND reserved <= on_hand", name=op.f("ck_stock_level_reserved")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_stock_level_value")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_stock_level_part_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_stock_level_site_id")),
        sa.ForeignKeyConstraint(["storehouse_id"], ["storehouse.id"], name=op.f("fk_stock_level_storehouse_id")),
        sa.PrimaryKeyConstraint("storehouse_id", "part_id", name=op.f("pk_stock_level")),
    )
    op.create_index(op.f("ix_stock_level_part_id"), "stock_level", ["part_id"], unique=False)
    op.create_index(op.f("ix_stock_level_site_id"), "stock_level", ["site_id"], unique=False)
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("storehouse_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("on_hand_change", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reserved_change", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("value_change", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("on_hand_after", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("reserved_after", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("average_cost_after", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("moved_by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["moved_by"], ["person.id"], name=op.f("fk_stock_movement_moved_by")),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name=op.f("fk_stock_movement_part_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_stock_movement_site_id")),
        sa.ForeignKeyConstraint(["storehouse_id"], ["storehouse.id"], name=op.f("fk_stock_movement_storehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
    )
    op.create_index(op.f("ix_stock_movement_site_id_id"), "stock_movement", ["site_id", "id"], unique=False)
    op.create_index(
        op.f("ix_stock_movement_storehouse_id_part_id_id"),
        "stock_movement",
        ["storehouse_id", "part_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_stock_movement_work_order",
        "stock_movement",
        ["work_order_id"],
        unique=False,
        postgresql_where=sa.text("work_order_id IS NOT NULL"),
    )
    op.create_table(
        "warranty_term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("equipment_id", sa.Uuid(), nullable=True),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_warranty_term_forwards")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_warranty_term_building_id")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_warranty_term_entered_by")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_warranty_term_equipment_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_warranty_term_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warranty_term")),
    )
    op.create_index(op.f("ix_warranty_term_site_id_ends_on"), "warranty_term", ["site_id", "ends_on"], unique=False)
    op.create_table(
        "price_list_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_price_list_version_saved_by")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_price_list_version_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list_version")),
        sa.UniqueConstraint(
            "site_id", "version", name=op.f("uq_price_list_version_site_id_version"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "quotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("items", JSON, nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("price_list_id", sa.Uuid(), nullable=True),
        sa.Column("why_asked", JSON, nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_how", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        sa.Column("signature_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_quotation_decided_by")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_quotation_made_by")),
        sa.ForeignKeyConstraint(["payer_id"], ["person.id"], name=op.f("fk_quotation_payer_id")),
        sa.ForeignKeyConstraint(["price_list_id"], ["price_list_version.id"], name=op.f("fk_quotation_price_list_id")),
        sa.ForeignKeyConstraint(["signature_id"], ["attachment.id"], name=op.f("fk_quotation_signature_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_quotation_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_quotation_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotation")),
        sa.UniqueConstraint("work_order_id", "number", name=op.f("uq_quotation_work_order_id_number")),
    )
    op.create_index(
        "ix_quotation_payer", "quotation", ["payer_id"], unique=False, postgresql_where=sa.text("payer_id IS NOT NULL")
    )
    op.create_index(
        "uq_quotation_asked", "quotation", ["work_order_id"], unique=True, postgresql_where=sa.text("state = 'asked'")
    )
    op.create_table(
        "charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("quotation_id", sa.Uuid(), nullable=True),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("space_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_charge_amount")),
        sa.ForeignKeyConstraint(["payer_id"], ["person.id"], name=op.f("fk_charge_payer_id")),
        sa.ForeignKeyConstraint(["quotation_id"], ["quotation.id"], name=op.f("fk_charge_quotation_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_charge_site_id")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_charge_space_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_charge_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge")),
        sa.UniqueConstraint("quotation_id", name=op.f("uq_charge_quotation_id")),
    )
    op.create_index(
        op.f("ix_charge_site_id_state_written_at"), "charge", ["site_id", "state", "written_at"], unique=False
    )
    op.create_index(op.f("ix_charge_work_order_id"), "charge", ["work_order_id"], unique=False)
    op.create_index(
        "uq_charge_of_cost",
        "charge",
        ["work_order_id", "payer"],
        unique=True,
        postgresql_where=sa.text("quotation_id IS NULL AND state <> 'void'"),
    )
    op.create_table(
        "checklist_version",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("equipment_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_checklist_version_saved_by")),
        sa.PrimaryKeyConstraint("code", "equipment_kind", "version", name=op.f("pk_checklist_version")),
    )
    op.create_table(
        "order_checklist",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("equipment_kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_order_checklist_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_order_checklist_work_order_id")),
        sa.PrimaryKeyConstraint("work_order_id", name=op.f("pk_order_checklist")),
    )
    op.create_table(
        "checklist_answer",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("measure", sa.Numeric(precision=16, scale=4), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_checklist_answer_answered_by")),
        sa.ForeignKeyConstraint(["photo_id"], ["attachment.id"], name=op.f("fk_checklist_answer_photo_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_checklist_answer_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_checklist_answer_work_order_id")),
        sa.PrimaryKeyConstraint("work_order_id", "attempt", "item", name=op.f("pk_checklist_answer")),
    )
    op.create_table(
        "labour_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minutes", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ended_at IS NULL OR ended_at >= started_at", name=op.f("ck_labour_entry_forwards")),
        sa.CheckConstraint("minutes >= 0", name=op.f("ck_labour_entry_minutes")),
        sa.CheckConstraint("started_at IS NOT NULL OR minutes IS NOT NULL", name=op.f("ck_labour_entry_said")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_labour_entry_entered_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_labour_entry_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_labour_entry_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_labour_entry_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labour_entry")),
    )
    op.create_index(op.f("ix_labour_entry_work_order_id"), "labour_entry", ["work_order_id"], unique=False)
    op.create_index(
        "uq_labour_entry_running",
        "labour_entry",
        ["work_order_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND minutes IS NULL"),
    )
    op.create_table(
        "work_order_helper",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_work_order_helper_asked_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_work_order_helper_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_helper_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_work_order_helper_work_order_id")),
        sa.PrimaryKeyConstraint("work_order_id", "person_id", name=op.f("pk_work_order_helper")),
    )
    op.create_index(
        "ix_work_order_helper_person",
        "work_order_helper",
        ["person_id"],
        unique=False,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("place_kept", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_check_in_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_check_in_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_check_in_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
    )
    op.create_index(op.f("ix_check_in_at"), "check_in", ["at"], unique=False)
    op.create_index(op.f("ix_check_in_work_order_id"), "check_in", ["work_order_id"], unique=False)
    op.create_table(
        "contractor_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_contractor_link_made_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_contractor_link_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_contractor_link_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_contractor_link_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contractor_link")),
    )
    op.create_index(op.f("ix_contractor_link_work_order_id"), "contractor_link", ["work_order_id"], unique=False)
    op.execute(KEEP_LEDGER)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_ledger_change()")
    op.drop_column("space", "qr_token")
    op.drop_column("attachment", "purpose")
