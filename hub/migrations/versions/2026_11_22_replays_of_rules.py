"""Keep what people asked of rules over stored history, and the answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611222006"
down_revision = "202611222005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule_replay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site_ids", postgresql.JSONB(), nullable=True),
        sa.Column("rule_key", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tolerance_h", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("since < until", name=op.f("ck_rule_replay_span")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rule_replay_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_replay")),
    )
    op.create_index(
        "uq_rule_replay_under_way", "rule_replay", ["person_id"], unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )  # fmt: skip
    op.create_index(op.f("ix_rule_replay_person_id_asked_at"), "rule_replay", ["person_id", "asked_at"])


def downgrade() -> None:
    op.drop_table("rule_replay")
