"""Every text that a rule ever had, with who wrote it, why, and when it was in force."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "202611222005"
down_revision = "202611222004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rule_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("activate_at", TIME, nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column("in_force_from", TIME, nullable=True),
        sa.Column("in_force_until", TIME, nullable=True),
        sa.Column("refusal", JSONB(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_rule_version_site_id"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name="fk_rule_version_author_id"),
        sa.ForeignKeyConstraint(["activated_by"], ["person.id"], name="fk_rule_version_activated_by"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_version"),
        sa.UniqueConstraint("rule_key", "number", name="uq_rule_version_rule_key_number"),
    )
    op.create_index(
        "ix_rule_version_in_force", "rule_version", ["rule_key"], unique=True,
        postgresql_where=sa.text("state = 'in_force'"),
    )  # fmt: skip
    op.create_index(
        "ix_rule_version_scheduled", "rule_version", ["rule_key"], unique=True,
        postgresql_where=sa.text("state = 'scheduled'"),
    )  # fmt: skip
    op.add_column("rule", sa.Column("number", sa.Integer(), nullable=True))
    op.add_column("rule", sa.Column("offered", sa.Integer(), nullable=True))
    op.execute("UPDATE rule SET number = version")
    op.execute(
        "INSERT INTO rule_version (id, rule_key, number, site_id, definition, state, reason, author_id, in_force_from,"
        " created_at, updated_at) SELECT gen_random_uuid(), key, version, site_id, definition, 'in_force', '',"
        " author_id, updated_at, updated_at, updated_at FROM rule"
    )
    op.alter_column("rule", "number", nullable=False)


def downgrade() -> None:
    op.drop_column("rule", "offered")
    op.drop_column("rule", "number")
    op.drop_table("rule_version")
