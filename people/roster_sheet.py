"""The table of rotas: who is there for what, from when, how often. Staff and the contractors' people alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.imports import Column, Plan, Row
from catalog.sheets import Cell
from catalog.words import Words
from kit.access import Role, Scope
from kit.i18n import Language, Texts
from people import repository, shift_repository
from people.kinds import Duty, PersonKind
from people.models import Person, Rota
from people.owner_sheet import phone_of
from people.repository import PersonFilter
from people.rostering import NewRota, Rostering
from people.rota import MAX_SHIFT_HOURS

_EVERYBODY = 100_000
_LONGEST_CYCLE_DAYS = 28
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)

Key = tuple[UUID, str, date, int]


@dataclass(frozen=True)
class _Change:
    """A rota of the file, and the row that stands for it already."""

    new: NewRota
    standing: Rota | None


class RosterSheet:
    kind = "roster"
    columns: tuple[Column, ...] = (
        Column("phone", True), Column("name"), Column("duty", True), Column("first_day", True), Column("every_days"),
        Column("starts_at", True), Column("hours", True),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER)

    def __init__(self, rostering: Rostering, texts: Texts) -> None:
        self._rostering = rostering
        self._duties = Words(Duty, "duty", texts)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan, changes = Plan(), list[_Change]()
        known = {person.phone: person for person in await _workers(session, site_id)}
        standing = {_key(row): row for row, _ in await shift_repository.rotas(session, Scope.of(site_id), site_id)}
        seen: dict[Key, int] = {}
        for row in rows:
            new = self._read(row, known, site_id, plan)
            if new is None:
                continue
            key = (new.person_id, new.duty.value, new.first_day, new.starts_minute)
            if (first := seen.setdefault(key, row.line)) != row.line:
                plan.refuse(row.line, "phone", "twice", line=first)
                continue
            plan.created += key not in standing
            plan.updated += key in standing
            changes.append(_Change(new, standing.get(key)))
        plan.changes = changes
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        changes: list[_Change] = plan.changes
        for change in changes:
            if change.standing is None:
                await self._rostering.add_rota(session, Scope.of(site_id), change.new)
            else:
                change.standing.every_days, change.standing.hours = change.new.every_days, change.new.hours

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        phones = {person.id: person.phone for person in await _workers(session, site_id)}
        return [
            {
                "phone": phones.get(row.person_id), "name": name, "duty": self._duties.write(Duty(row.duty), language),
                "first_day": row.first_day.isoformat(), "every_days": row.every_days,
                "starts_at": f"{row.starts_minute // 60:02}:{row.starts_minute % 60:02}", "hours": row.hours,
            }
            for row, name in await shift_repository.rotas(session, Scope.of(site_id), site_id)
        ]  # fmt: skip

    def _read(self, row: Row, known: Mapping[str | None, Person], site_id: UUID, plan: Plan) -> NewRota | None:
        """None when a cell is refused."""
        before = len(plan.problems)
        phone = phone_of(row, plan)
        person = known.get(phone) if phone else None
        if phone and person is None:
            plan.refuse(row.line, "phone", "unknown_worker", value=row.get("phone"))
        duty = self._duties.read(row.get("duty"))
        if duty is None and row.get("duty"):
            plan.refuse(row.line, "duty", "unknown_word", value=row.get("duty"), known=self._duties.known)
        first_day, minute = _day(row, plan), _minute(row, plan)
        every_days = _whole(row, "every_days", plan, most=_LONGEST_CYCLE_DAYS) if row.get("every_days") else 1
        hours = _whole(row, "hours", plan, most=MAX_SHIFT_HOURS)
        if every_days and hours and timedelta(hours=hours) > timedelta(days=every_days):
            plan.refuse(row.line, "hours", "shift_too_long")
        if len(plan.problems) > before or not (person and duty and first_day and every_days and hours):
            return None
        assert minute is not None  # refused otherwise
        return NewRota(site_id, person.id, duty, first_day, every_days, minute, hours)


async def _workers(session: AsyncSession, site_id: UUID) -> list[Person]:
    found: list[Person] = []
    for kind in (PersonKind.STAFF, PersonKind.CONTRACTOR):
        wanted = PersonFilter(site_id=site_id, kind=kind)
        rows, _ = await repository.find(session, Scope.of(site_id), wanted, sort="name", limit=_EVERYBODY, offset=0)
        found += rows
    return found


def _key(row: Rota) -> Key:
    return row.person_id, row.duty, row.first_day, row.starts_minute


def _day(row: Row, plan: Plan) -> date | None:
    written = row.get("first_day")
    if not written:
        return None
    try:
        day = date.fromisoformat(written[:10].replace("/", "-"))
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        plan.refuse(row.line, "first_day", "day", value=written)
        return None
    return day


def _minute(row: Row, plan: Plan) -> int | None:
    written = row.get("starts_at")
    if not written:
        return None
    hour, _, minute = written.replace("：", ":").partition(":")
    if hour.isdigit() and minute[:2].isdigit() and int(hour) < 24 and int(minute[:2]) < 60:
        return int(hour) * 60 + int(minute[:2])
    plan.refuse(row.line, "starts_at", "time_of_day", value=written)
    return None


def _whole(row: Row, column: str, plan: Plan, *, most: int) -> int | None:
    written = row.get(column)
    if not written:
        return None
    if written.isascii() and written.isdigit() and 1 <= int(written) <= most:
        return int(written)
    plan.refuse(row.line, column, "whole_number", value=written, most=most)
    return None
