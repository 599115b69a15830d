"""What can be looked up of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import EquipmentEntry, LiveDirectory
from kit.access import Scope
from predictive.errors import NotWatched
from predictive.predictions import repository
from predictive.predictions.errors import PredictionNotFound
from predictive.predictions.models import Prediction, PredictionVoice
from predictive.predictions.repository import PredictionFilter

MOST_SIMILAR = 10
MOST_OF_EQUIPMENT = 20


@dataclass(frozen=True)
class Explanation:
    """`similar`: how earlier ones of the same mode ended, on this equipment and on others of its profile."""

    row: Prediction
    entry: EquipmentEntry | None
    voices: Sequence[PredictionVoice]
    similar: Sequence[Prediction]


class Predictions:
    def __init__(self, directory: LiveDirectory) -> None:
        self._directory = directory

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: PredictionFilter, *, is_over: bool | None, limit: int,
        offset: int,
    ) -> tuple[Sequence[Prediction], int]:  # fmt: skip
        return await repository.find(session, scope, wanted, is_over=is_over, limit=limit, offset=offset)

    async def get(self, session: AsyncSession, scope: Scope, prediction_id: UUID) -> Prediction:
        """Raises PredictionNotFound."""
        row = await repository.get(session, scope, prediction_id)
        if row is None:
            raise PredictionNotFound(prediction_id)
        return row

    async def explain(self, session: AsyncSession, scope: Scope, prediction_id: UUID) -> Explanation:
        """Raises PredictionNotFound."""
        row = await self.get(session, scope, prediction_id)
        entry = self._directory.current.by_id.get(row.equipment_id)
        return Explanation(
            row=row,
            entry=entry,
            voices=await repository.voices(session, [row.id]),
            similar=await repository.similar(
                session, row, equipment_ids=self._alike(row, entry), limit=MOST_SIMILAR
            ),
        )  # fmt: skip

    async def of_equipment(
        self, session: AsyncSession, scope: Scope, equipment_id: UUID
    ) -> tuple[EquipmentEntry, Sequence[Prediction]]:
        """The newest of an equipment, open and over. Raises NotWatched."""
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise NotWatched(equipment_id)
        rows, _ = await repository.find(
            session, scope, PredictionFilter(equipment_id=equipment_id, is_shadow=False), is_over=None,
            limit=MOST_OF_EQUIPMENT, offset=0,
        )  # fmt: skip
        return entry, rows

    async def measured(
        self, session: AsyncSession, scope: Scope, *, since: datetime, site_id: UUID | None = None
    ) -> Sequence[tuple[Prediction, PredictionVoice]]:
        """Every voice of every prediction that was open at some time since, those of models on trial included."""
        return await repository.measured(session, scope, since=since, site_id=site_id)

    def _alike(self, row: Prediction, entry: EquipmentEntry | None) -> set[UUID]:
        """Itself and, at its site, the others of its profile."""
        if entry is None:
            return {row.equipment_id}
        return {
            one.equipment_id
            for one in self._directory.current.entries
            if one.site_id == entry.site_id and one.profile_key == entry.profile_key
        }
