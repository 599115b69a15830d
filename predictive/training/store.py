"""The model store: what is saved is signed, what is loaded is verified, and a lineage has one champion."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from kit.sweeps import Sweep
from predictive.detectors.contract import Arrays
from predictive.training import repository
from predictive.training.card import Draft, Family, Format, ModelCard, ModelState, Packed
from predictive.training.code_version import code_version
from predictive.training.errors import ModelNotFound, ModelRefused, NotInShadow, RefusalReason
from predictive.training.events import ModelsChanged
from predictive.training.models import TrainedModel
from predictive.training.packing import unpack_arrays
from predictive.training.signing import checksum, claims_of, signed, verified

PART_BYTES: Final = 4 << 20
# The content of a retired model can be brought back so long.
CONTENT_KEPT: Final = timedelta(days=90)


class ModelStore:
    """`secret` signs; a model signed with another is refused."""

    def __init__(self, *, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("predictive.forget_models", "37 4 * * *", self.forget),)

    # --- what there is ---------------------------------------------------------------------------------------------

    async def find(
        self, session: AsyncSession, scope: Scope, *, family: Family | None = None,
        states: Sequence[ModelState] = (), site_id: UUID | None = None, subject: str | None = None,
    ) -> list[ModelCard]:  # fmt: skip
        """The newest version of each lineage first; all states unless some are named."""
        rows = await repository.find(
            session, scope, family=family, states=states, site_id=site_id, subject=subject
        )  # fmt: skip
        return [card_of(row) for row in rows]

    async def champions(self, session: AsyncSession, scope: Scope, *, family: Family) -> list[ModelCard]:
        return await self.find(session, scope, family=family, states=(ModelState.CHAMPION,))

    async def shadows(self, session: AsyncSession, scope: Scope, *, family: Family) -> list[ModelCard]:
        return await self.find(session, scope, family=family, states=(ModelState.SHADOW,))

    async def get(self, session: AsyncSession, scope: Scope, model_id: UUID) -> ModelCard:
        """Raises ModelNotFound."""
        return card_of(await self._row(session, scope, model_id))

    async def content(self, session: AsyncSession, card: ModelCard) -> Packed:
        """What was stored, verified. Raises ModelRefused."""
        parts = [part async for part in repository.parts(session, Scope.of(card.site_id), card.id)]
        if not parts:
            raise ModelRefused(RefusalReason.CONTENT_MISSING, "there is none", model=_name(card))
        return Packed(card.format, verified(card, b"".join(parts), secret=self._secret))

    async def load(self, session: AsyncSession, card: ModelCard) -> Arrays:
        """The arrays of a model. Raises ModelRefused: keep what you have, count it and say so."""
        return unpack_arrays(await self.content(session, card))

    # --- what changes ----------------------------------------------------------------------------------------------

    async def save(self, session: AsyncSession, draft: Draft, *, state: ModelState | None = None) -> ModelCard:
        """Stores it as the next version of its lineage: as champion where there is none, else as shadow, in the place
        of the shadow before. `state` CHAMPION takes the champion's place at once."""
        lineage: dict[str, Any] = {"site_id": draft.site_id, "family": draft.family, "subject": draft.subject}
        await repository.lock_lineage(session, **lineage)
        champion = await repository.of_lineage(session, **lineage, state=ModelState.CHAMPION)
        wanted = state or (ModelState.CHAMPION if champion is None else ModelState.SHADOW)
        await self._make_room(session, lineage, wanted)
        row = self._signed(draft, await repository.newest_version(session, **lineage) + 1, wanted)
        card = card_of(row)
        content = draft.packed.content
        await repository.add(session, row, [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)])
        await publish(session, ModelsChanged(site_id=draft.site_id, model_id=card.id))
        return card

    async def promote(self, session: AsyncSession, scope: Scope, model_id: UUID, *, by: UUID) -> ModelCard:
        """The shadow becomes the champion, the champion is retired. Raises ModelNotFound, NotInShadow."""
        row = await self._shadow(session, scope, model_id)
        lineage: dict[str, Any] = {
            "site_id": row.site_id, "family": Family(row.family), "subject": row.subject
        }  # fmt: skip
        now = self._clock.now()
        champion = await repository.of_lineage(session, **lineage, state=ModelState.CHAMPION)
        if champion is not None:
            await repository.set_state(session, champion.id, ModelState.RETIRED, at=now, by=by)
        return await self._settled(session, row, ModelState.CHAMPION, by)

    async def put_away(self, session: AsyncSession, scope: Scope, model_id: UUID, *, by: UUID) -> ModelCard:
        """The shadow is retired, the champion stays. Raises ModelNotFound, NotInShadow."""
        return await self._settled(session, await self._shadow(session, scope, model_id), ModelState.RETIRED, by)

    async def note_metrics(
        self, session: AsyncSession, scope: Scope, model_id: UUID, metrics: Mapping[str, Any]
    ) -> None:
        """Keeps how good it turned out to be, beside what was measured when it was made. Raises ModelNotFound."""
        await self._row(session, scope, model_id)
        await repository.set_metrics(session, scope, model_id, metrics)

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget_contents(session, before=self._clock.now() - CONTENT_KEPT)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _signed(self, draft: Draft, version: int, state: ModelState) -> TrainedModel:
        model_id, sha256, code, now = new_id(), checksum(draft.packed.content), code_version(), self._clock.now()
        claims = claims_of(draft, model_id=str(model_id), version=version, code_version=code, sha256=sha256)
        return TrainedModel(
            id=model_id, site_id=draft.site_id, family=draft.family.value, subject=draft.subject, version=version,
            state=state.value, format=draft.packed.format.value, size_bytes=len(draft.packed.content), sha256=sha256,
            signature=signed(claims, secret=self._secret), equipment_ids=[str(one) for one in draft.equipment_ids],
            points=list(draft.points), step_s=draft.step_s, data_from=draft.data_from, data_until=draft.data_until,
            code_version=code, parameters=dict(draft.parameters), metrics=dict(draft.metrics), run_id=draft.run_id,
            made_at=now, state_at=now, state_by=None,
        )  # fmt: skip

    async def _make_room(self, session: AsyncSession, lineage: dict[str, Any], state: ModelState) -> None:
        standing = await repository.of_lineage(session, **lineage, state=state)
        if standing is not None:
            await repository.set_state(session, standing.id, ModelState.RETIRED, at=self._clock.now(), by=None)

    async def _row(self, session: AsyncSession, scope: Scope, model_id: UUID, *, lock: bool = False) -> TrainedModel:
        row = await repository.get(session, scope, model_id, lock=lock)
        if row is None:
            raise ModelNotFound(str(model_id))
        return row

    async def _shadow(self, session: AsyncSession, scope: Scope, model_id: UUID) -> TrainedModel:
        row = await self._row(session, scope, model_id)
        await repository.lock_lineage(session, site_id=row.site_id, family=Family(row.family), subject=row.subject)
        await session.refresh(row)
        if row.state != ModelState.SHADOW.value:
            raise NotInShadow(str(model_id), row.state)
        return row

    async def _settled(self, session: AsyncSession, row: TrainedModel, state: ModelState, by: UUID) -> ModelCard:
        await repository.set_state(session, row.id, state, at=self._clock.now(), by=by)
        await session.refresh(row)
        await publish(session, ModelsChanged(site_id=row.site_id, model_id=row.id))
        return card_of(row)


def card_of(row: TrainedModel) -> ModelCard:
    return ModelCard(
        id=row.id, site_id=row.site_id, family=Family(row.family), subject=row.subject, version=row.version,
        state=ModelState(row.state), format=Format(row.format), size_bytes=row.size_bytes, sha256=row.sha256,
        signature=row.signature, equipment_ids=tuple(UUID(one) for one in row.equipment_ids),
        points=tuple(row.points), step_s=row.step_s, data_from=row.data_from, data_until=row.data_until,
        code_version=row.code_version, parameters=row.parameters, metrics=row.metrics, run_id=row.run_id,
        made_at=row.made_at, state_at=row.state_at, state_by=row.state_by,
    )  # fmt: skip


def _name(card: ModelCard) -> str:
    return f"{card.family.value}/{card.subject} version {card.version}"
