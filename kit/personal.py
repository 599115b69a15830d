"""Personal data: what a room that holds some offers, so that one person's can be shown, erased and let go of in time.

A room declares its rows (`PersonalRows`) and what grows old (`AgedRows`); `TableHolder` does the rest. What has to be
done besides, with files for instance, a room does in a holder of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from kit import personal_repository as repository
from kit.db import Base


@dataclass(frozen=True)
class Subject:
    """Whose data it is: the person, and who they are in WeChat."""

    person_id: UUID
    openids: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonalFile:
    name: str
    content: bytes


@dataclass(frozen=True)
class Holding:
    """What a room holds of somebody: rows by table, values as JSON can say them; and files."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    files: Sequence[PersonalFile] = ()


@dataclass(frozen=True)
class KeepingDuty:
    """Why data cannot be erased yet. `reason` is the last part of a text key `privacy.duty.…`; `about` names the thing;
    `until` when the duty ends, None: when somebody ends it."""

    reason: str
    about: str
    until: date | None = None


@dataclass(frozen=True)
class PersonalRows:
    """Rows of a table that are about somebody. Erased they are deleted (`is_dropped`) or lose the values `replaced`.

    `hidden` columns are not shown to the person: what lets somebody in. Of a table that is mostly others' work only the
    columns `shown` are; with none of them the table is only erased.
    """

    table: type[Base]
    whose: Callable[[Subject], ColumnElement[bool]]
    replaced: Mapping[str, Any] = field(default_factory=dict)
    is_dropped: bool = False
    hidden: frozenset[str] = frozenset()
    shown: frozenset[str] | None = None

    @property
    def not_shown(self) -> frozenset[str]:
        if self.shown is None:
            return self.hidden
        return self.hidden | (frozenset(self.table.__table__.columns.keys()) - self.shown)


@dataclass(frozen=True)
class AgedRows:
    """Rows that are kept so long after `since` and no longer: of a kind that has a setting of its own."""

    kind: str
    table: type[Base]
    since: str
    replaced: Mapping[str, Any] = field(default_factory=dict)
    is_dropped: bool = False


class Holder(Protocol):
    """A room that holds personal data."""

    name: str

    @property
    def kinds(self) -> frozenset[str]:
        """What of it grows old; each has a setting."""
        ...

    async def export(self, session: AsyncSession, subject: Subject) -> Holding: ...

    async def duties(self, session: AsyncSession, subject: Subject) -> Sequence[KeepingDuty]:
        """Why it must be kept for now."""
        ...

    async def erase(self, session: AsyncSession, subject: Subject) -> Mapping[str, int]:
        """Rows that lost something, by table. Statistics stay what they are."""
        ...

    async def forget(self, session: AsyncSession, kind: str, *, before: datetime, limit: int) -> int:
        """Lets go of what is older, `limit` rows at most; how many it was. Idempotent."""
        ...


class TableHolder:
    def __init__(self, name: str, rows: Sequence[PersonalRows], aged: Sequence[AgedRows] = ()) -> None:
        self.name = name
        self.rows = rows
        self.aged = aged

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(each.kind for each in self.aged)

    async def export(self, session: AsyncSession, subject: Subject) -> Holding:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for each in self.rows:
            hidden = each.not_shown
            if hidden.issuperset(each.table.__table__.columns.keys()):
                continue
            rows = await repository.rows(session, each.table, each.whose(subject), hidden=hidden)
            found.setdefault(each.table.__tablename__, []).extend(rows)
        return Holding(found)

    async def duties(self, session: AsyncSession, subject: Subject) -> Sequence[KeepingDuty]:
        return ()

    async def erase(self, session: AsyncSession, subject: Subject) -> Mapping[str, int]:
        done: dict[str, int] = {}
        for each in self.rows:
            count = await repository.let_go(
                session, each.table, each.whose(subject), replaced=each.replaced, is_dropped=each.is_dropped
            )
            done[each.table.__tablename__] = done.get(each.table.__tablename__, 0) + count
        return done

    async def forget(self, session: AsyncSession, kind: str, *, before: datetime, limit: int) -> int:
        done = 0
        for each in self.aged:
            if each.kind == kind and done < limit:
                done += await repository.let_go_of_old(
                    session, each.table, each.since, before=before, limit=limit - done, replaced=each.replaced,
                    is_dropped=each.is_dropped,
                )  # fmt: skip
        return done
