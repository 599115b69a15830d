"""What people ask of the models in the line: how it stands with each equipment."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import LiveDirectory
from kit.access import Scope
from predictive.errors import NotWatched
from predictive.streaming.repository import WatchRepository
from predictive.streaming.watch import Watch, WatchState


class WatchService:
    """`days_needed`: of normal time before an equipment is judged."""

    def __init__(self, directory: LiveDirectory, *, days_needed: float) -> None:
        self._directory = directory
        self._days_needed = days_needed

    async def of_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> Watch:
        """Of equipment that nobody has looked at yet: nothing read, nothing learnt. Raises NotWatched."""
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise NotWatched(equipment_id)
        found = await WatchRepository(session).of_equipment(scope, equipment_id)
        return found or Watch(
            equipment_id=equipment_id, site_id=entry.site_id, state=WatchState.NO_DATA, days_needed=self._days_needed
        )

    async def find(
        self, session: AsyncSession, scope: Scope, *, state: WatchState | None, limit: int, offset: int
    ) -> tuple[Sequence[Watch], int]:
        """The most unusual first, and how many there are in all."""
        return await WatchRepository(session).find(scope, state=state, limit=limit, offset=offset)

    async def counts(self, session: AsyncSession, scope: Scope) -> dict[WatchState, int]:
        return await WatchRepository(session).counts(scope)
