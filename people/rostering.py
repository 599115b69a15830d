"""Shifts: planned by hand, or out of rotas by a sweep that keeps the coming fortnight filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from people import repository, shift_repository
from people.errors import BadShift, PersonNotFound, RotaNotFound, ShiftNotFound, ShiftOverlaps
from people.kinds import Duty
from people.models import Rota, Shift
from people.rota import MAX_SHIFT_HOURS, RotaPattern, shifts_of
from people.views import RotaView, ShiftView

HORIZON = timedelta(days=14)


@dataclass(frozen=True)
class NewRota:
    """`starts_minute`: minutes after local midnight."""

    site_id: UUID
    person_id: UUID
    duty: Duty
    first_day: date
    every_days: int
    starts_minute: int
    hours: int


class Rostering:
    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def shifts(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        person_id: UUID | None = None,
        duty: Duty | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        sort: str = "starts_at",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[ShiftView], int]:
        """Shifts that touch [start, end), one page and how many in all. Raises UnknownSortField."""
        rows, total = await shift_repository.find(
            session, scope, site_id=site_id, person_id=person_id, duty=duty, start=start, end=end, sort=sort,
            limit=limit, offset=offset,
        )  # fmt: skip
        return [_shift_view(row, name) for row, name in rows], total

    async def add_shift(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID,
        person_id: UUID,
        duty: Duty,
        starts_at: datetime,
        ends_at: datetime,
    ) -> ShiftView:
        """Raises SiteNotFound, PersonNotFound, BadShift, ShiftOverlaps."""
        name = await self._person_name(session, scope, site_id=site_id, person_id=person_id)
        if not timedelta(0) < ends_at - starts_at <= timedelta(hours=MAX_SHIFT_HOURS):
            raise BadShift(MAX_SHIFT_HOURS)
        row = Shift(site_id=site_id, person_id=person_id, duty=duty, starts_at=starts_at, ends_at=ends_at)
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:
            raise ShiftOverlaps(name) from None
        return _shift_view(row, name)

    async def remove_shift(self, session: AsyncSession, scope: Scope, shift_id: UUID) -> None:
        row = await shift_repository.shift(session, scope, shift_id)
        if row is None:
            raise ShiftNotFound(shift_id)
        await session.delete(row)

    async def rotas(self, session: AsyncSession, scope: Scope, site_id: UUID | None = None) -> list[RotaView]:
        return [_rota_view(row, name) for row, name in await shift_repository.rotas(session, scope, site_id)]

    async def add_rota(self, session: AsyncSession, scope: Scope, new: NewRota) -> RotaView:
        """Plans a shift that comes again and makes the coming fortnight's. Raises SiteNotFound, PersonNotFound."""
        name = await self._person_name(session, scope, site_id=new.site_id, person_id=new.person_id)
        row = Rota(**vars(new))
        session.add(row)
        await session.flush()
        await self._fill(session, [row])
        return _rota_view(row, name)

    async def remove_rota(self, session: AsyncSession, scope: Scope, rota_id: UUID) -> None:
        """Ends a rota; shifts it already made stay and can be removed one by one."""
        row = await shift_repository.rota(session, scope, rota_id)
        if row is None:
            raise RotaNotFound(rota_id)
        await session.delete(row)

    async def extend(self, session: AsyncSession) -> None:
        """Fills the coming fortnight of every rota. A shift planned by hand stands: what overlaps it is left out."""
        await self._fill(session, [row for row, _ in await shift_repository.rotas(session, Scope.everywhere())])

    async def _fill(self, session: AsyncSession, rotas: Sequence[Rota]) -> None:
        zones = {site.id: site.timezone for site in await self._catalog.sites(session, Scope.everywhere())}
        now = self._clock.now()
        rows: list[dict[str, Any]] = []
        for rota in rotas:
            pattern = RotaPattern(rota.first_day, rota.every_days, rota.starts_minute, rota.hours)
            for starts_at, ends_at in shifts_of(pattern, timezone=zones[rota.site_id], start=now, end=now + HORIZON):
                person = {"id": new_id(), "site_id": rota.site_id, "person_id": rota.person_id, "duty": rota.duty}
                rows.append({**person, "starts_at": starts_at, "ends_at": ends_at})
        await shift_repository.add_free_shifts(session, rows)

    async def _person_name(self, session: AsyncSession, scope: Scope, *, site_id: UUID, person_id: UUID) -> str:
        await self._catalog.site(session, scope, site_id)
        person = await repository.person(session, scope, person_id)
        if person is None or not person.is_active:
            raise PersonNotFound(person_id)
        return person.name


def _shift_view(row: Shift, name: str) -> ShiftView:
    return ShiftView(row.id, row.site_id, row.person_id, name, Duty(row.duty), row.starts_at, row.ends_at)


def _rota_view(row: Rota, name: str) -> RotaView:
    return RotaView(
        row.id, row.site_id, row.person_id, name, Duty(row.duty), row.first_day, row.every_days, row.starts_minute,
        row.hours,
    )  # fmt: skip
