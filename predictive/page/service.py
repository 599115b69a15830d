"""Everything that models say of one equipment: its health, what wears, what is predicted, and who may speak."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from predictive.health.service import HealthService, HealthView
from predictive.predictions.models import Prediction, PredictionMuting
from predictive.predictions.muting import Muting
from predictive.predictions.service import Predictions
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.models import RemainingLifeForecast
from predictive.streaming.service import WatchService
from predictive.streaming.watch import Watch


@dataclass(frozen=True)
class EquipmentPage:
    """`mutings`: methods that raise nothing for its kind at its site."""

    watch: Watch
    health: HealthView
    lives: Sequence[RemainingLifeForecast]
    predictions: Sequence[Prediction]
    mutings: Sequence[PredictionMuting]


class EquipmentPages:
    def __init__(
        self, *, watches: WatchService, healths: HealthService, lives: RemainingLifeBook, predictions: Predictions,
        muting: Muting,
    ) -> None:  # fmt: skip
        self._watches = watches
        self._healths = healths
        self._lives = lives
        self._predictions = predictions
        self._muting = muting

    async def of_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> EquipmentPage:
        """Raises NotWatched."""
        entry, predictions = await self._predictions.of_equipment(session, scope, equipment_id)
        standing = await self._muting.standing(session, scope, site_id=entry.site_id)
        return EquipmentPage(
            watch=await self._watches.of_equipment(session, scope, equipment_id),
            health=await self._healths.of_equipment(session, scope, equipment_id),
            lives=await self._lives.newest(session, scope, equipment_id),
            predictions=predictions,
            mutings=[one for one in standing if one.equipment_kind == entry.kind.value],
        )
