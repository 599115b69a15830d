"""Brings the database to this release's schema before a hub stands on it; where it is there already, by a look.

What migrates it runs in a process of its own: Alembic and every dialect it knows would stay, 10 MB for one second's
work in a process that runs for months.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from procrastinate.schema import migrations_path
from sqlalchemy import Connection, create_engine

from kit.db import async_url
from kit.supervision.process import ChildFailed

MIGRATIONS = Path(__file__).parent / "migrations"
# Two hubs that start at once migrate one after the other.
MIGRATION_LOCK = 7_301_968_501
# Not an argument: everybody on the machine can read those, and it holds a password.
URL_VARIABLE = "HUB_MIGRATED_DATABASE_URL"
_REVISION = re.compile(r'^(down_)?revision\b[^=]*= *"([^"]+)"', re.MULTILINE)


def bring_up_to_date(database_url: str) -> None:
    """Idempotent; waits for another process that is migrating the same database. Raises ChildFailed."""
    if is_up_to_date(database_url):
        return
    done = subprocess.run(
        [sys.executable, "-m", "hub.migrate"], env={**os.environ, URL_VARIABLE: database_url},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ChildFailed(f"the database could not be brought to this release's schema:\n{done.stderr[-2000:]}")


def is_up_to_date(database_url: str) -> bool:
    """Whether every migration has been through, ours and procrastinate's."""
    engine = create_engine(async_url(database_url))
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        wanted = {
            "alembic_version": ("version_num", newest(path.read_text("utf-8") for path in _files())),
            "procrastinate_schema": ("script", job_scripts()[-1]),
        }
        found = all(_has(connection, table, column, value) for table, (column, value) in wanted.items())
    engine.dispose()
    return found


def newest(migrations: Iterable[str]) -> str:
    """The revision that no other of these migrations (their source) follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for source in migrations:
        for is_down, revision in _REVISION.findall(source):
            (followed if is_down else revisions).add(revision)
    (last,) = revisions - followed
    return last


def job_scripts() -> list[str]:
    """procrastinate's migration scripts, oldest first."""
    return sorted(path.name for path in Path(migrations_path).glob("*.sql"))


def _files() -> Iterable[Path]:
    return (MIGRATIONS / "versions").glob("*.py")


def _has(connection: Connection, table: str, column: str, value: str) -> bool:
    if connection.exec_driver_sql("SELECT to_regclass(%s)", (table,)).scalar() is None:
        return False
    rows = connection.exec_driver_sql(f"SELECT 1 FROM {table} WHERE {column} = %s", (value,))  # noqa: S608 - our names
    return rows.first() is not None
