"""How good models are, which of them are muted for it, and how those on trial compare with those in use."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry, LiveDirectory
from insight.predictions.figures import Case, Failure, ModelFigures, ModelKey, falls_short, figures_of
from insight.predictions.labelling import is_failure
from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.predictions.errors import AlreadyMuted
from predictive.predictions.finding import Method
from predictive.predictions.label import PredictionLabel
from predictive.predictions.life import HeldBack
from predictive.predictions.models import Prediction, PredictionVoice
from predictive.predictions.muting import Muting
from predictive.predictions.service import Predictions
from predictive.predictions.settings import PredictionSettings
from predictive.training.card import Family, ModelCard, ModelState
from predictive.training.store import ModelStore
from ticketing.outcome_book import OutcomeBook
from ticketing.outcomes import Outcome

LOOKED_BACK: Final = timedelta(days=180)
NIGHTLY = "41 19 * * *"
_METHODS: Final[Mapping[Family, Method]] = {
    Family.DETECTORS: Method.DETECTORS,
    Family.REMAINING_LIFE: Method.REMAINING_LIFE,
    Family.FORECAST: Method.CONSUMPTION,
}


@dataclass(frozen=True)
class ModelStanding:
    """The figures of a model, and whether it is muted."""

    figures: ModelFigures
    muting_id: UUID | None


@dataclass(frozen=True)
class Trial:
    """A model in shadow beside the one in use, each with its figures by kind of equipment since the shadow was made."""

    shadow: ModelCard
    champion: ModelCard | None
    of_shadow: Sequence[ModelFigures]
    of_champion: Sequence[ModelFigures]


class PredictionMeasures:
    def __init__(
        self, *, predictions: Predictions, muting: Muting, store: ModelStore, outcomes: OutcomeBook,
        directory: LiveDirectory, settings: PredictionSettings, clock: Clock,
    ) -> None:  # fmt: skip
        self._predictions = predictions
        self._muting = muting
        self._store = store
        self._outcomes = outcomes
        self._directory = directory
        self._settings = settings
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("insight.mute_models", NIGHTLY, self.mute_what_falls_short),)

    async def of_models(self, session: AsyncSession, scope: Scope, *, site_id: UUID | None) -> list[ModelStanding]:
        """Of half a year, every model that has spoken, in use and on trial."""
        since = self._clock.now() - LOOKED_BACK
        standing = await self._muting.standing(session, scope, site_id=site_id)
        muted = {(one.site_id, one.method, one.equipment_kind): one.id for one in standing}
        found = await self._figures(session, scope, since=since, site_id=site_id)
        return [ModelStanding(one, None if one.key.is_shadow else muted.get(_place(one.key))) for one in found]

    async def trials(self, session: AsyncSession, scope: Scope) -> list[Trial]:
        shadows = await self._store.find(session, scope, states=(ModelState.SHADOW,))
        return [await self._trial(session, scope, card) for card in shadows]

    async def promote(self, session: AsyncSession, scope: Scope, model_id: UUID, *, by: UUID, note: str) -> Trial:
        """The model in shadow takes the place of the one in use. The figures it was promoted on are kept with it.

        Raises ModelNotFound, NotInShadow.
        """
        trial = await self._trial(session, scope, await self._store.get(session, scope, model_id))
        await self._store.promote(session, scope, model_id, by=by)
        promoted = {
            "note": note,
            "figures": [_plain(one) for one in trial.of_shadow],
            "before": [_plain(one) for one in trial.of_champion],
        }
        await self._store.note_metrics(session, scope, model_id, {"promoted_on": promoted})
        return trial

    async def mute_what_falls_short(self, session: AsyncSession) -> None:
        """A sweep: a model in use that is below its bar makes no alarms and orders until a person lifts that."""
        everywhere, since = Scope.everywhere(), self._clock.now() - LOOKED_BACK
        lifted = await self._muting.lifted(session, everywhere)
        for figures in await self._figures(session, everywhere, since=since, forgiven=lifted):
            if figures.key.is_shadow or not self._falls_short(figures):
                continue
            key = figures.key
            try:
                await self._muting.mute(
                    session, everywhere, site_id=key.site_id, method=Method(key.method),
                    kind=EquipmentKind(key.kind), note="", by=None, facts=_plain(figures),
                )  # fmt: skip
            except AlreadyMuted:
                continue

    # --- inside ----------------------------------------------------------------------------------------------------

    def _falls_short(self, figures: ModelFigures) -> bool:
        bars = self._settings
        return falls_short(
            figures, least_precision=bars.least_precision, fewest_labels=bars.fewest_labels,
            most_false_orders=bars.most_false_orders,
        )  # fmt: skip

    async def _trial(self, session: AsyncSession, scope: Scope, shadow: ModelCard) -> Trial:
        standing = await self._store.find(
            session, scope, family=shadow.family, states=(ModelState.CHAMPION,), site_id=shadow.site_id,
            subject=shadow.subject,
        )  # fmt: skip
        champion = standing[0] if standing else None
        found = await self._figures(session, scope, since=shadow.made_at, site_id=shadow.site_id)
        method = _METHODS[shadow.family].value
        mine = [one for one in found if one.key.method == method]
        return Trial(
            shadow=shadow,
            champion=champion,
            of_shadow=[one for one in mine if one.key.model_id == shadow.id],
            of_champion=[one for one in mine if champion is not None and one.key.model_id == champion.id],
        )

    async def _figures(
        self, session: AsyncSession, scope: Scope, *, since: datetime, site_id: UUID | None = None,
        forgiven: Mapping[tuple[UUID, str, str], datetime] | None = None,
    ) -> list[ModelFigures]:  # fmt: skip
        now = self._clock.now()
        measured = await self._predictions.measured(session, scope, since=since, site_id=site_id)
        cases = [case for row, voice in measured if (case := self._case(row, voice)) is not None]
        if forgiven is not None:
            cases = [one for one in cases if not _is_forgiven(one, forgiven)]
        found_by_us = {row.order_id for row, _ in measured if row.order_id and row.label == PredictionLabel.TRUE}
        failures = await self._failures(session, scope, cases, found_by_us, since=since, now=now)
        horizon = timedelta(days=self._settings.plan_days)
        return figures_of(cases, failures, since=since, now=now, horizon=horizon)

    def _case(self, row: Prediction, voice: PredictionVoice) -> Case | None:
        """None where the method never was sure enough to say anything aloud."""
        rules = self._settings.rules
        if voice.confidence < rules.alarm_confidence:
            return None
        would_order = voice.confidence >= rules.order_confidence and row.of_waiting > row.of_going
        is_held = row.held_back is not None and HeldBack(row.held_back) is not HeldBack.ANSWERED
        return Case(
            key=ModelKey(row.site_id, voice.method, voice.model_id, row.equipment_kind, row.is_shadow),
            equipment_id=row.equipment_id, mode=row.mode,
            is_order=row.ordered_at is not None or (is_held and would_order),
            spoke_at=row.raised_at or row.opened_at, ended_at=row.ended_at,
            label=None if row.label is None else PredictionLabel(row.label), labelled_at=row.labelled_at,
        )  # fmt: skip

    async def _failures(
        self, session: AsyncSession, scope: Scope, cases: Sequence[Case], found_by_us: Collection[UUID], *,
        since: datetime, now: datetime,
    ) -> list[Failure]:  # fmt: skip
        """Repairs of whatever the models look at: all equipment of a kind at a site, predicted or not."""
        watched = {(case.key.site_id, case.key.kind) for case in cases}
        entries = {
            entry.equipment_id: entry
            for entry in self._directory.current.entries
            if (entry.site_id, entry.kind.value) in watched
        }
        if not entries:
            return []
        found = await self._outcomes.of_equipment(session, scope, list(entries), since=since, until=now)
        return [
            _failure(one, entries[one.equipment_id], is_ours=one.order_id in found_by_us)
            for one in found
            if is_failure(one)
        ]


def _failure(outcome: Outcome, entry: EquipmentEntry, *, is_ours: bool) -> Failure:
    """`is_ours`: a prediction's order. Then whoever reports it notices it later than that was opened, and where nobody
    does the prediction alone found it."""
    noticed_at = min(outcome.opened_at, outcome.reported_at or outcome.opened_at)
    if is_ours:
        noticed_at = outcome.reported_at or outcome.over_at or outcome.opened_at
    return Failure(
        site_id=entry.site_id, kind=entry.kind.value, equipment_id=outcome.equipment_id, noticed_at=noticed_at,
        by_prediction=is_ours and outcome.reported_at is None,
    )  # fmt: skip


def _place(key: ModelKey) -> tuple[UUID, str, str]:
    return key.site_id, key.method, key.kind


def _is_forgiven(case: Case, forgiven: Mapping[tuple[UUID, str, str], datetime]) -> bool:
    lifted_at = forgiven.get(_place(case.key))
    return lifted_at is not None and (case.labelled_at is None or case.labelled_at <= lifted_at)


def _plain(figures: ModelFigures) -> dict[str, Any]:
    """As JSON."""
    found = asdict(figures)
    key = found.pop("key")
    return {**found, "kind": key["kind"], "model_id": None if key["model_id"] is None else str(key["model_id"])}
