"""Brings a database to the schema this release needs: Alembic for our tables, procrastinate's own scripts for its.

A hub runs it as a process of its own (`hub.schema`).
"""

import importlib
import importlib.util
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from procrastinate.schema import SchemaManager, migrations_path
from sqlalchemy import Connection, Engine, create_engine

from hub.schema import MIGRATION_LOCK, MIGRATIONS, URL_VARIABLE, job_scripts
from kit.db import async_url, plain_url

ROOMS_WITH_TABLES = (
    "kit", "audit", "catalog", "people", "people.contractors", "device_adapters", "bus", "telemetry", "stock", "rules",
    "rules.versions", "alarms", "alarms.flood",
    "ticketing", "ticketing.definitions", "ticketing.approvals", "ticketing.feedback", "ticketing.dispatch",
    "ticketing.proof", "ticketing.incidents",
    "ticketing.charging", "ticketing.working", "ticketing.sla", "ticketing.measuring",
    "knowledge", "notify", "notify.alerting", "owner_services", "automation", "linkage",
    "insight", "insight.rules", "privacy",
    "predictive.streaming", "predictive.training", "predictive.predictions", "predictive.remaining_life",
    "predictive.drift", "predictive.health", "predictive.consumption", "hub",
)  # fmt: skip
FILES_OF_TABLES = (
    "SELECT oid::regclass::text, relfilenode FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


def upgrade(database_url: str, *, revision: str = "head") -> None:
    """Idempotent; waits for another process that is migrating the same database."""
    engine = create_engine(async_url(database_url))
    with engine.connect() as lock:
        lock.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        before = _files_of_tables(lock)
        lock.commit()
        with engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        after = _files_of_tables(lock)
        lock.commit()
        _upgrade_jobs(database_url)
        _vacuum(engine, sorted(table for table, file in before.items() if after.get(table, file) != file))
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


def _files_of_tables(connection: Connection) -> dict[str, int]:
    """By quoted name. A table that is rewritten gets another file."""
    return {str(name): int(file) for name, file in connection.exec_driver_sql(FILES_OF_TABLES)}


def _vacuum(engine: Engine, tables: Sequence[str]) -> None:
    """Of a table that was rewritten no page is known to be visible to all, and no autovacuum is due: until one comes,
    each question that an index alone could answer looks into the table as well."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")


def _upgrade_jobs(database_url: str) -> None:
    """Applies procrastinate's schema, or those of its migration scripts that this database has not seen."""
    scripts = job_scripts()
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


if __name__ == "__main__":
    upgrade(os.environ[URL_VARIABLE])
