"""Figures over work orders, for the room that shows them. Changes nothing."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from ticketing import figures_repository
from ticketing.figures import Day, Dimension, Drill, FigureFilter, FigureOrder, Groups, LateOrder


class Figuring:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def figures(
        self, session: AsyncSession, scope: Scope, wanted: FigureFilter, *, by: Dimension | None, limit: int
    ) -> Groups:
        """All figures, of all the orders together or of the `limit` largest groups of a dimension, largest first."""
        return await figures_repository.figures(session, scope, wanted, by=by, now=self._clock.now(), limit=limit)

    async def has_held(self, session: AsyncSession, scope: Scope, person_id: UUID) -> bool:
        """Whether somebody has an order there, open or over."""
        return await figures_repository.has_held(session, scope, person_id)

    async def orders(
        self, session: AsyncSession, scope: Scope, drill: Drill, *, limit: int, offset: int
    ) -> tuple[list[FigureOrder], int]:
        """The orders that a figure counts, the newest first, and how many they are: as many as the figure says."""
        now = self._clock.now()
        return await figures_repository.orders(session, scope, drill, now=now, limit=limit, offset=offset)

    def all_orders(
        self, session: AsyncSession, scope: Scope, drill: Drill
    ) -> AsyncIterator[Sequence[FigureOrder]]:  # fmt: skip
        """All of them, some at a time."""
        return figures_repository.all_orders(session, scope, drill, now=self._clock.now())

    async def day(self, session: AsyncSession, *, site_id: UUID, since: datetime, until: datetime) -> Day:
        """Cancelled ones, duplicates, tests and unproved ones left out."""
        return await figures_repository.day(session, site_id=site_id, since=since, until=until, now=self._clock.now())

    async def worst(self, session: AsyncSession, *, site_id: UUID, limit: int) -> list[LateOrder]:
        """Open orders past their time: the most urgent first, of these the latest."""
        return await figures_repository.worst(session, site_id=site_id, now=self._clock.now(), limit=limit)
