"""What owners say of finished work: verdicts, ratings, urging; whom complaints are about."""

import sqlalchemy as sa
from alembic import op

revision = "202611221640"
down_revision = "202611221635"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("report", sa.Column("is_anonymous", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("report", sa.Column("withdrawn_at", MOMENT, nullable=True))
    _table(
        "owner_verdict",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("remind_at", MOMENT, nullable=False),
        sa.Column("silent_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.CheckConstraint("satisfaction BETWEEN 1 AND 5", name=op.f("ck_owner_verdict_satisfaction")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_owner_verdict_report_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_owner_verdict_person_id")),
        sa.UniqueConstraint("report_id", "attempt", name=op.f("uq_owner_verdict_report_id_attempt")),
    )
    op.create_index(
        "ix_owner_verdict_remind", "owner_verdict", ["remind_at"],
        postgresql_where=sa.text("outcome IS NULL AND reminded_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_owner_verdict_silent", "owner_verdict", ["silent_at"], postgresql_where=sa.text("outcome IS NULL")
    )
    _table(
        "order_rating",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("speed", sa.Integer(), nullable=False),
        sa.Column("attitude", sa.Integer(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("return_visit_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("speed BETWEEN 1 AND 5", name=op.f("ck_order_rating_speed")),
        sa.CheckConstraint("attitude BETWEEN 1 AND 5", name=op.f("ck_order_rating_attitude")),
        sa.CheckConstraint("quality BETWEEN 1 AND 5", name=op.f("ck_order_rating_quality")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_order_rating_report_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_order_rating_person_id")),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_order_rating_assignee_id")),
        sa.ForeignKeyConstraint(["return_visit_id"], ["work_order.id"], name=op.f("fk_order_rating_return_visit_id")),
        sa.UniqueConstraint("report_id", "attempt", name=op.f("uq_order_rating_report_id_attempt")),
    )
    op.create_index(op.f("ix_order_rating_site_id_at"), "order_rating", ["site_id", "at"])
    _table(
        "order_urge",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_order_urge_report_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_order_urge_person_id")),
    )
    op.create_index(op.f("ix_order_urge_report_id_at"), "order_urge", ["report_id", "at"])
    op.create_table(
        "complaint_subject",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("named_by", sa.Uuid(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_complaint_subject_work_order_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_complaint_subject_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_complaint_subject_site_id")),
        sa.ForeignKeyConstraint(["named_by"], ["person.id"], name=op.f("fk_complaint_subject_named_by")),
        sa.PrimaryKeyConstraint("work_order_id", "person_id", name=op.f("pk_complaint_subject")),
    )
    op.create_index(op.f("ix_complaint_subject_person_id"), "complaint_subject", ["person_id"])


def downgrade() -> None:
    for table in ("complaint_subject", "order_urge", "order_rating", "owner_verdict"):
        op.drop_table(table)
    op.drop_column("report", "withdrawn_at")
    op.drop_column("report", "is_anonymous")


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of things about an order of a site."""
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f(f"fk_{name}_site_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f(f"fk_{name}_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_work_order_id"), name, ["work_order_id"])
