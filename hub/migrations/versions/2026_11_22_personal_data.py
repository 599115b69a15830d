"""Consents, and requests about personal data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221650"
down_revision = "202611221645"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_channel", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_consent_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(
        "uq_consent_given",
        "consent",
        ["person_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "personal_data_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("rows", JSONB, nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_personal_data_request_asked_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_personal_data_request_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_data_request")),
    )
    op.create_index(
        op.f("ix_personal_data_request_person_id_at"), "personal_data_request", ["person_id", "at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("personal_data_request")
    op.drop_table("consent")
