"""Trainings as people see them: asked for, shown while they run, cancelled by a word; and those of the night."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from procrastinate import App, RetryStrategy
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.jobs import JobKind, defer
from kit.sweeps import Sweep
from predictive.training import errors, runs_repository
from predictive.training.gathering import Gatherer
from predictive.training.models import TrainingRun, TrainingState
from predictive.training.process import train_in_process
from predictive.training.settings import TrainingSettings

TRAIN_JOB: Final = "predictive.train"
KEPT: Final = timedelta(days=400)
SHOWN: Final = 30
# The night's hour comes once a day; clocks that are set back make it come twice.
_NIGHT_AGAIN: Final = timedelta(hours=20)


class TrainingRuns:
    def __init__(
        self, *, catalog: CatalogService, gatherer: Gatherer, settings: TrainingSettings, app: App, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._gatherer = gatherer
        self._settings = settings
        self._app = app
        self._clock = clock

    def jobs(self) -> tuple[JobKind, ...]:
        # One that failed is taken up by `resume`, which looks whether there is anything left to do.
        return (JobKind(TRAIN_JOB, self.train, retry=RetryStrategy(max_attempts=1)),)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("predictive.train_nightly", "20 * * * *", self.ask_for_the_night),
            Sweep("predictive.resume_training", "* * * * *", self.resume),
            Sweep("predictive.forget_trainings", "47 4 * * *", self.forget),
        )

    # --- what people do --------------------------------------------------------------------------------------------

    async def ask(
        self, session: AsyncSession, *, site_id: UUID, subject: str | None = None, days: int | None = None,
        is_complete: bool = True, person_id: UUID | None = None, by_job: bool = True,
    ) -> TrainingRun:  # fmt: skip
        """`subject`: a profile's key, or all of a lineage's subject. `by_job` False: the caller trains itself.

        Raises NothingToTrain, TrainingUnderWay.
        """
        shapes = self._gatherer.shapes(site_id)
        chosen = [one for one in shapes if subject in (None, one, one.partition("/")[0])]
        if not chosen:
            raise errors.NothingToTrain
        now = self._clock.now()
        run_id = await runs_repository.add(
            session,
            {
                "site_id": site_id, "asked_by": person_id, "subject": subject, "days": days or self._settings.days,
                "until": now, "is_complete": is_complete, "state": TrainingState.WAITING.value, "progress": 0.0,
                "learnt": 0, "equipment": sum(len(shapes[one]) for one in chosen), "attempts": 0,
                "cancelling": False, "asked_at": now,
            },
        )  # fmt: skip
        scope = Scope.of(site_id)
        if run_id is None:
            running = await runs_repository.under_way(session, scope, site_id=site_id)
            raise errors.TrainingUnderWay(str(running[0].id) if running else "")
        if by_job:
            await defer(session, self._app, TRAIN_JOB)
        return await self.get(session, scope, run_id)

    async def get(self, session: AsyncSession, scope: Scope, run_id: UUID) -> TrainingRun:
        """Raises TrainingNotFound."""
        row = await runs_repository.get(session, scope, run_id)
        if row is None:
            raise errors.TrainingNotFound(str(run_id))
        return row

    async def find(self, session: AsyncSession, scope: Scope) -> Sequence[TrainingRun]:
        """The last ones, the newest first."""
        return await runs_repository.find(session, scope, limit=SHOWN)

    async def cancel(self, session: AsyncSession, scope: Scope, run_id: UUID) -> TrainingRun:
        """Ends it at its next portion; models that it has saved stay. One that is over stays as it is. Raises
        TrainingNotFound."""
        row = await self.get(session, scope, run_id)
        await runs_repository.cancel(session, row.id)
        await session.refresh(row)
        return row

    # --- the hub's own work ----------------------------------------------------------------------------------------

    async def train(self, _session: AsyncSession) -> None:
        """In a process of its own, so that neither its memory nor its work is this one's."""
        await train_in_process()

    async def ask_for_the_night(self, session: AsyncSession) -> None:
        """At each site whose night's hour it is: equipment without a model, and challengers that are due."""
        if not self._settings.nightly:
            return
        now = self._clock.now()
        last = await runs_repository.last_of_night(session, Scope.everywhere())
        for site in await self._catalog.sites(session, Scope.everywhere()):
            if self._is_due(now, site.timezone, last.get(site.id)):
                await self._ask_quietly(session, site.id)

    async def resume(self, session: AsyncSession) -> None:
        """Has a training that nobody is at taken up: its process was killed, or its job failed."""
        waiting = await runs_repository.under_way(session, Scope.everywhere())
        if waiting and await runs_repository.is_the_trainer(session):
            await defer(session, self._app, TRAIN_JOB)

    async def forget(self, session: AsyncSession) -> None:
        await runs_repository.forget(session, before=self._clock.now() - KEPT)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _is_due(self, now: datetime, timezone: str, last: datetime | None) -> bool:
        is_hour = now.astimezone(ZoneInfo(timezone)).hour == self._settings.at_hour
        return is_hour and (last is None or now - last >= _NIGHT_AGAIN)

    async def _ask_quietly(self, session: AsyncSession, site_id: UUID) -> None:
        try:
            await self.ask(session, site_id=site_id, is_complete=False)
        except (errors.NothingToTrain, errors.TrainingUnderWay):
            return
