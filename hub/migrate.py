"""Brings a database to the schema this release needs: Alembic for our tables, procrastinate's own scripts for its."""

import importlib
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from procrastinate.schema import SchemaManager, migrations_path
from sqlalchemy import create_engine

from kit.db import async_url, plain_url

MIGRATIONS = Path(__file__).parent / "migrations"
ROOMS_WITH_TABLES = (
    "catalog", "people", "device_adapters", "bus", "telemetry", "rules", "alarms", "ticketing", "notify",
    "owner_services", "hub",
)  # fmt: skip
# Two hubs that start at once migrate one after the other.
MIGRATION_LOCK = 7_301_968_501


def upgrade(database_url: str) -> None:
    """Idempotent; waits for another process that is migrating the same database."""
    engine = create_engine(async_url(database_url))
    with engine.connect() as lock:
        lock.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        lock.commit()
        with engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        _upgrade_jobs(database_url)
    engine.dispose()


def new_revision(database_url: str, words: str) -> None:
    """Drafts a migration from the difference between the models and an up-to-date database."""
    engine = create_engine(async_url(database_url))
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.revision(config, words, autogenerate=True, rev_id=datetime.now(UTC).strftime("%Y%m%d%H%M"))
    engine.dispose()


def differences(database_url: str) -> list[str]:
    """What the models say that the migrated database does not; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from kit.db import Base

    load_models()
    engine = create_engine(async_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or not name.startswith("procrastinate_")},
        )
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return [str(difference) for difference in found]


def load_models() -> None:
    """Imports every room's tables, so that the metadata is whole."""
    for room in ROOMS_WITH_TABLES:
        if importlib.util.find_spec(f"{room}.models"):
            importlib.import_module(f"{room}.models")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    return config


def _upgrade_jobs(database_url: str) -> None:
    """Applies procrastinate's schema, or those of its migration scripts that this database has not seen."""
    scripts = sorted(path.name for path in Path(migrations_path).glob("*.sql"))
    with psycopg.connect(plain_url(database_url)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS procrastinate_schema (script text PRIMARY KEY)")
        found = connection.execute("SELECT max(script) FROM procrastinate_schema").fetchone()
        seen = found[0] if found else None
        if seen is None:
            connection.execute(SchemaManager.get_schema())
        else:
            for script in (name for name in scripts if name > seen):
                connection.execute((Path(migrations_path) / script).read_bytes())
        connection.execute("INSERT INTO procrastinate_schema VALUES (%s) ON CONFLICT DO NOTHING", (scripts[-1],))
