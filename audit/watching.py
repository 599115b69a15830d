"""What becomes of rows in a session, as the ORM flushes them: before and after, without anybody having to say it."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Delete, Insert, Update, event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction
from sqlalchemy.orm.attributes import History

MOST_ROWS = 200
LONGEST_TEXT = 2_000
HIDDEN = "•••"
# Never written down, whatever table has it: what lets somebody in.
# A plain `code` is none: buildings, parts and kinds of order have one.
_SECRET = re.compile(r"password|secret|token|hash|salt|sealed|digest|_key$", re.IGNORECASE)
# The path and the query of a webhook's address are often what lets in.
_ADDRESS = re.compile(r"(^|_)url$", re.IGNORECASE)
# What SQLAlchemy adds to a column's name to name a parameter.
_NUMBERED = re.compile(r"_m?\d+$")
# Whose row it is, by the column that says so. Who merely worked on it is not meant.
_PERSON_COLUMNS = frozenset({"person_id", "reporter_id", "owner_id", "resident_id"})
# Everything that hangs on an order touches the order, so that its records are found, or withheld, by the order's id.
WORK_ORDER_COLUMN = "work_order_id"
_OWN = frozenset({"audit_record", "audit_detail", "audit_seal", "answered_request"})


class Seen:
    """The rows of one session that became others, each once, as it was at first and as it is at last.

    `personal`: columns, as (table, column), of which only that they changed is told: they are erased or grow old where
    they are, and must not stay here.
    """

    def __init__(self, session: Session, personal: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._session = session
        self._personal = personal
        self._listens = False
        self._before: dict[tuple[str, str], dict[str, Any]] = {}
        self._after: dict[tuple[str, str], dict[str, Any]] = {}
        self._statements: list[dict[str, Any]] = []
        self.ids: set[str] = set()
        self.people: set[str] = set()
        self.site_id: UUID | None = None
        self.first: tuple[str | None, str | None] = (None, None)
        self.left_out = 0

    @classmethod
    def of(cls, session: AsyncSession, personal: frozenset[tuple[str, str]] = frozenset()) -> "Seen":
        seen = cls(session.sync_session, personal)
        event.listen(session.sync_session, "after_flush", seen._flushed)
        event.listen(session.sync_session, "do_orm_execute", seen._executed)
        seen._listens = True
        return seen

    def stop(self) -> None:
        if self._listens:
            event.remove(self._session, "after_flush", self._flushed)
            event.remove(self._session, "do_orm_execute", self._executed)
        self._listens = False

    def rows(self) -> list[dict[str, Any]]:
        """`{"table", "id", "before", "after"}` a row; statements past the ORM as `{"table", "done", "values"}`."""
        keys = dict.fromkeys([*self._before, *self._after])
        changed = [(key, self._before.get(key, {}), self._after.get(key, {})) for key in keys]
        told = [
            {"table": table, "id": key, "before": self._told(table, before), "after": self._told(table, after)}
            for (table, key), before, after in changed
            if before != after
        ]
        return [*told, *self._statements]

    def _told(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: HIDDEN if value is not None and self._is_personal(table, name) else _shown(name, value)
            for name, value in values.items()
        }

    def _is_personal(self, table: str, name: str) -> bool:
        return (table, name) in self._personal or (table, _NUMBERED.sub("", name)) in self._personal

    # --- listening -------------------------------------------------------------------------------------------------

    def _flushed(self, session: Session, _: UOWTransaction) -> None:
        for row in session.new:
            self._see(row, before={}, after=_values(row))
        for row in session.dirty:
            before, after = _changes(row)
            if after:
                self._see(row, before=before, after=after)
        for row in session.deleted:
            self._see(row, before=_values(row), after={})

    def _executed(self, state: ORMExecuteState) -> None:
        statement = state.statement
        if not isinstance(statement, Insert | Update | Delete):
            return
        table = str(getattr(statement.table, "name", statement.table))
        if table in _OWN or self._is_full():
            return
        done = type(statement).__name__.lower()
        values = statement.compile().params | (state.parameters if isinstance(state.parameters, Mapping) else {})
        self._statements.append({"table": table, "done": done, "values": self._told(table, values)})
        for name, value in values.items():
            self._note(name, value)

    def _see(self, row: Any, *, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        table = str(row.__tablename__)
        if table in _OWN or self._is_full():
            return
        key = table, ",".join(str(part) for part in inspect(row).mapper.primary_key_from_instance(row))
        known = self._after.get(key, {})
        first = self._before.setdefault(key, {})
        for name, value in before.items():
            if name not in known:
                first.setdefault(name, plain(value))
        self._after[key] = known | {name: plain(value) for name, value in after.items()} if after else {}
        self.ids.add(key[1])
        if self.first == (None, None):
            self.first = key
        if table == "site" and self.site_id is None:
            self.site_id = row.id
        if table == "person":
            self.people.add(key[1])
        for name in ("site_id", WORK_ORDER_COLUMN, *_PERSON_COLUMNS):
            self._note(name, getattr(row, name, None))

    def _note(self, name: str, value: object) -> None:
        if not isinstance(value, UUID):
            return
        if name == "site_id" and self.site_id is None:
            self.site_id = value
        if name in _PERSON_COLUMNS:
            self.people.add(str(value))
        if name == WORK_ORDER_COLUMN:
            self.ids.add(str(value))

    def _is_full(self) -> bool:
        full = len(self._after) + len(self._statements) >= MOST_ROWS
        self.left_out += full
        return full


def plain(value: Any) -> Any:
    """A value as JSON has it; long texts are cut, bytes counted, secrets not shown."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value)})"
        case datetime() | date() | time():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes():
            return f"<{len(value)} bytes>"
        case Mapping():
            return _clean(value)
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in value]
        case _:
            return str(value)


def _clean(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _shown(str(name), value) for name, value in values.items()}


def is_secret(name: str) -> bool:
    """Whether what is called so lets somebody in: a password, the token of a link."""
    return _SECRET.search(_NUMBERED.sub("", name)) is not None


def _shown(name: str, value: Any) -> Any:
    if value is not None and is_secret(name):
        return HIDDEN
    return _host_of(value) if isinstance(value, str) and _ADDRESS.search(_NUMBERED.sub("", name)) else plain(value)


def _host_of(address: str) -> str:
    """Scheme and host of an address, without who logs in there."""
    try:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else HIDDEN
    except ValueError:
        return HIDDEN


def _values(row: Any) -> dict[str, Any]:
    """What a row says; what is empty, or was never loaded, is left out."""
    state = inspect(row)
    loaded = {name: state.dict[name] for name in state.mapper.column_attrs.keys() if name in state.dict}  # noqa: SIM118
    return {name: value for name, value in loaded.items() if value is not None}


def _changes(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    state = inspect(row)
    for name in state.mapper.column_attrs.keys():  # noqa: SIM118 - a collection of attributes, no mapping
        history: History = state.attrs[name].history
        if history.has_changes():
            before[name] = history.deleted[0] if history.deleted else None
            after[name] = history.added[0] if history.added else None
    return before, after
