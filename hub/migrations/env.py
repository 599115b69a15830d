"""Alembic's entry: migrates through the connection that `hub.migrate` hands over."""

from alembic import context

from hub.migrate import load_models
from kit.db import Base

load_models()
OTHERS = ("procrastinate_",)


def ours(name: str | None, kind: str, parents: object) -> bool:
    """Whether a table is ours to compare: procrastinate keeps its own."""
    return kind != "table" or name is None or not name.startswith(OTHERS)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_name=ours,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
