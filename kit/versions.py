"""Rows that several people edit: each has a number that grows with every change, and whoever comes with an old one is
refused before anything of others is overwritten."""

from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Select, event, inspect, text
from sqlalchemy.orm import Mapped, Mapper, mapped_column, object_session

from kit.errors import StaleEdit

Rows = TypeVar("Rows", bound=Select[Any])


class Versioned:
    """Mixin of a table. `version` grows by one with each change that the ORM writes; who writes past it adds one."""

    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))


class HasVersion(Protocol):
    @property
    def version(self) -> int: ...


def held(rows: Rows, *of: type[Any]) -> Rows:
    """The query's rows (of these tables) kept until the transaction ends and read anew: edits of one take turns."""
    return rows.with_for_update(of=of or None).execution_options(populate_existing=True)


def check_version(row: HasVersion, seen: int | None) -> None:
    """Raises StaleEdit where somebody changed the row since the caller saw it. None: the caller does not say.

    The row is `held`, else somebody may change it after it was looked at.
    """
    if seen is not None and seen != row.version:
        raise StaleEdit(given_version=seen, version=row.version)


def touch(row: Versioned) -> None:
    """What belongs to the row was changed, in other rows than its own."""
    row.version += 1


@event.listens_for(Versioned, "before_update", propagate=True)
def _grow(_: Mapper[Any], __: Connection, row: Versioned) -> None:
    session = object_session(row)
    is_touched = inspect(row).attrs.version.history.has_changes()
    if not is_touched and session is not None and session.is_modified(row):
        row.version += 1
