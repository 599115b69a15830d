"""What visits and failures cost at a site: the usual, or what a manager has set."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from kit.versions import check_version
from predictive.predictions import repository
from predictive.predictions.errors import NotAtSite
from predictive.predictions.models import PredictionCost
from predictive.predictions.policy import Costs, costs_of


@dataclass(frozen=True)
class KindCosts:
    """`version` None: nobody has set them, they are the usual ones."""

    kind: EquipmentKind
    costs: Costs
    version: int | None


class Costing:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def of_site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> list[KindCosts]:
        """Of every kind. Raises NotAtSite."""
        if not scope.allows(site_id):
            raise NotAtSite(site_id)
        rows = {row.equipment_kind: row for row in await repository.costs(session, scope, [site_id])}
        return [
            _of_row(rows[kind]) if kind in rows else KindCosts(kind, costs_of(kind), None) for kind in EquipmentKind
        ]

    async def set(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, kind: EquipmentKind, costs: Costs,
        version: int | None, by: UUID,
    ) -> KindCosts:  # fmt: skip
        """`version`: as last seen, None for a first time. Raises NotAtSite, StaleEdit."""
        if not scope.allows(site_id):
            raise NotAtSite(site_id)
        row = await repository.cost(session, site_id=site_id, kind=kind.value)
        if row is None:
            row = PredictionCost(id=new_id(), site_id=site_id, equipment_kind=kind.value)
            session.add(row)
        else:
            check_version(row, version)
        row.visit, row.failure = costs.visit, costs.failure
        row.changed_at, row.changed_by = self._clock.now(), by
        await session.flush()
        return _of_row(row)


def _of_row(row: PredictionCost) -> KindCosts:
    return KindCosts(EquipmentKind(row.equipment_kind), Costs(row.visit, row.failure), row.version)
