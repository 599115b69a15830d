"""What explains an alarm, whose it is, whether it is a test, and by which version of its rule it was raised."""

import sqlalchemy as sa
from alembic import op

revision = "202611222000"
down_revision = "202611221904"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarm", sa.Column("root_id", sa.Uuid(), sa.ForeignKey("alarm.id"), nullable=True))
    op.add_column("alarm", sa.Column("group_id", sa.Uuid(), nullable=True))
    op.add_column("alarm", sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alarm", sa.Column("assignee_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=True))
    op.add_column("alarm", sa.Column("rule_version", sa.Integer(), nullable=True))
    op.create_index("ix_alarm_root", "alarm", ["root_id"], postgresql_where=sa.text("root_id IS NOT NULL"))
    op.create_index("ix_alarm_group", "alarm", ["group_id"], postgresql_where=sa.text("group_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_alarm_group", "alarm")
    op.drop_index("ix_alarm_root", "alarm")
    for column in ("rule_version", "assignee_id", "is_test", "group_id", "root_id"):
        op.drop_column("alarm", column)
