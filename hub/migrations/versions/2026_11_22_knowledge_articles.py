"""Articles of the knowledge base, and which of them a message was answered with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221625"
down_revision = "202611221620"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "knowledge_category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("names", JSONB, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["knowledge_category.id"], name=op.f("fk_knowledge_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_category")),
        sa.UniqueConstraint("code", name=op.f("uq_knowledge_category_code")),
    )
    op.create_index(op.f("ix_knowledge_category_parent_id"), "knowledge_category", ["parent_id"])
    op.create_table(
        "knowledge_article",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("wording", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_knowledge_article_site_id")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["knowledge_category.id"], name=op.f("fk_knowledge_article_category_id")
        ),
        sa.ForeignKeyConstraint(["updated_by"], ["person.id"], name=op.f("fk_knowledge_article_updated_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_article")),
        sa.UniqueConstraint("key", name=op.f("uq_knowledge_article_key")),
    )
    op.create_index(op.f("ix_knowledge_article_site_id"), "knowledge_article", ["site_id"])
    op.create_index(op.f("ix_knowledge_article_category_id"), "knowledge_article", ["category_id"])
    op.create_index(
        "ix_knowledge_article_grams",
        "knowledge_article",
        ["grams"],
        postgresql_using="gin",
        postgresql_where=sa.text("published_version IS NOT NULL"),
    )
    op.create_table(
        "knowledge_version",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("titles", JSONB, nullable=False),
        sa.Column("bodies", JSONB, nullable=False),
        sa.Column("asked", JSONB, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["knowledge_article.id"], name=op.f("fk_knowledge_version_article_id")),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_knowledge_version_saved_by")),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_knowledge_version")),
    )
    op.create_table(
        "knowledge_vote",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_helpful", sa.Boolean(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["knowledge_article.id"], name=op.f("fk_knowledge_vote_article_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_knowledge_vote_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["article_id", "version"],
            ["knowledge_version.article_id", "knowledge_version.version"],
            name="fk_knowledge_vote_version",
        ),
        sa.PrimaryKeyConstraint("article_id", "person_id", name=op.f("pk_knowledge_vote")),
    )
    op.create_index(op.f("ix_knowledge_vote_person_id"), "knowledge_vote", ["person_id"])
    op.add_column("wechat_message", sa.Column("offered", JSONB, server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    op.drop_column("wechat_message", "offered")
    for table in ("knowledge_vote", "knowledge_version", "knowledge_article", "knowledge_category"):
        op.drop_table(table)
