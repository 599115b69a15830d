"""Which methods raise nothing, for which kinds of equipment of a site: muted by their figures or by a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from kit.logs import logger
from predictive.predictions import repository
from predictive.predictions.errors import AlreadyMuted, MutingLifted, MutingNotFound, NotAtSite
from predictive.predictions.events import ModelMuted, ModelUnmuted
from predictive.predictions.finding import Method
from predictive.predictions.models import PredictionMuting

log = logger(__name__)


class Muting:
    """Findings of a muted method are kept and measured like those of a model on trial."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def standing(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None
    ) -> Sequence[PredictionMuting]:
        """The newest first."""
        return await repository.mutings(session, scope, site_id=site_id)

    async def lifted(self, session: AsyncSession, scope: Scope) -> dict[tuple[UUID, str, str], datetime]:
        """When a person last lifted one, by (site, method, kind): what was wrong before is forgiven."""
        found: dict[tuple[UUID, str, str], datetime] = {}
        for row in await repository.mutings(session, scope, is_standing=False):
            key = row.site_id, row.method, row.equipment_kind
            assert row.lifted_at is not None  # asked for by it
            found[key] = max(found.get(key, row.lifted_at), row.lifted_at)
        return found

    async def mute(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, method: Method, kind: EquipmentKind, note: str,
        by: UUID | None, facts: Mapping[str, Any],
    ) -> PredictionMuting:  # fmt: skip
        """`by` None: its figures did (`facts`). Raises NotAtSite, AlreadyMuted."""
        if not scope.allows(site_id):
            raise NotAtSite(site_id)
        row = await repository.add_muting(
            session, id=new_id(), site_id=site_id, method=method.value, equipment_kind=kind.value,
            muted_at=self._clock.now(), muted_by=by, note=note, facts=dict(facts),
        )  # fmt: skip
        if row is None:
            raise AlreadyMuted(method.value, kind.value)
        log.warning("a method is muted", site_id=str(site_id), method=method.value, kind=kind.value, facts=dict(facts))
        muted = ModelMuted(site_id=site_id, muting_id=row.id, method=method.value, equipment_kind=kind.value)
        await publish(session, muted)
        return row

    async def lift(
        self, session: AsyncSession, scope: Scope, muting_id: UUID, *, note: str, by: UUID
    ) -> PredictionMuting:
        """Only a person does. Raises MutingNotFound, MutingLifted."""
        row = await repository.muting(session, scope, muting_id)
        if row is None:
            raise MutingNotFound(muting_id)
        if row.lifted_at is not None:
            raise MutingLifted
        row.lifted_at, row.lifted_by, row.lifted_note = self._clock.now(), by, note
        await session.flush()
        lifted = ModelUnmuted(
            site_id=row.site_id, muting_id=row.id, method=row.method, equipment_kind=row.equipment_kind
        )  # fmt: skip
        await publish(session, lifted)
        return row
