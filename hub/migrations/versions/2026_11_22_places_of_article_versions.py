"""Whom an article is for, and where it stands, belong to each of its versions: a draft changes nothing for readers."""

import sqlalchemy as sa
from alembic import op

revision = "202611221903"
down_revision = "202611221901"
branch_labels = None
depends_on = None

PLACED = """
UPDATE knowledge_version AS version
SET site_id = article.site_id, category_id = article.category_id, audience = article.audience
FROM knowledge_article AS article
WHERE article.id = version.article_id
"""


def upgrade() -> None:
    op.add_column("knowledge_version", sa.Column("site_id", sa.Uuid()))
    op.add_column("knowledge_version", sa.Column("category_id", sa.Uuid()))
    op.add_column("knowledge_version", sa.Column("audience", sa.Text()))
    op.execute(PLACED)
    op.alter_column("knowledge_version", "category_id", nullable=False)
    op.alter_column("knowledge_version", "audience", nullable=False)
    op.create_foreign_key(op.f("fk_knowledge_version_site_id"), "knowledge_version", "site", ["site_id"], ["id"])


def downgrade() -> None:
    for column in ("site_id", "category_id", "audience"):
        op.drop_column("knowledge_version", column)
