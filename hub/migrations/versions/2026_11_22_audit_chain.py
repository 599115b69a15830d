"""The audit chain; requests that were answered before; the version of an order that an entry of its timeline made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221620"
down_revision = "202611221615"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)
APPEND_ONLY = ("audit_record", "audit_seal")
REFUSE = """
CREATE FUNCTION audit_refuses_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("object_kind", sa.Text()),
        sa.Column("object_id", sa.Text()),
        sa.Column("touched", JSON, nullable=False),
        sa.Column("site_id", sa.Uuid()),
        sa.Column("request_id", sa.Text()),
        sa.Column("origin_digest", sa.Text(), nullable=False),
        sa.Column("facts_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_record"),
    )
    op.create_index("ix_audit_record_site_id_at", "audit_record", ["site_id", "at"])
    op.create_index("ix_audit_record_actor_id_at", "audit_record", ["actor_id", "at"])
    op.create_index("ix_audit_record_at", "audit_record", ["at"])
    op.create_index("ix_audit_record_touched", "audit_record", ["touched"], postgresql_using="gin")
    op.create_table(
        "audit_detail",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text()),
        sa.Column("origin_salt", sa.Text()),
        sa.Column("facts", sa.Text()),
        sa.Column("facts_salt", sa.Text()),
        sa.Column("people", JSON, nullable=False),
        sa.Column("is_sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_audit_detail"),
    )
    op.create_index("ix_audit_detail_people", "audit_detail", ["people"], postgresql_using="gin")
    op.create_index(
        "ix_audit_detail_unsealed", "audit_detail", ["record_id"], postgresql_where=sa.text("NOT is_sealed")
    )
    op.create_table(
        "audit_seal",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("record_digest", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sealed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_seal"),
        sa.UniqueConstraint("record_id", name="uq_audit_seal_record_id"),
    )
    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuses_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_change()"
        )
    op.create_table(
        "answered_request",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_answered_request"),
    )
    op.create_index("ix_answered_request_answered_at", "answered_request", ["answered_at"])
    op.add_column("work_order_timeline", sa.Column("version", sa.Integer()))
    op.add_column("attachment", sa.Column("facts", JSON, server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    op.drop_column("attachment", "facts")
    op.drop_column("work_order_timeline", "version")
    for table in ("answered_request", "audit_seal", "audit_detail", "audit_record"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_refuses_change()")
