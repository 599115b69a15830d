"""`hub train`: models from the stored history of this hub, running or not, and how good they are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.bootstrap import Hub, Role, build
from hub.infrastructure import infrastructure
from hub.settings import HubSettings
from hub.training_words import NoSuchSite, lines_of_models, lines_of_run
from kit.access import Scope
from kit.errors import DomainError
from predictive.training.errors import NothingToTrain, TrainingUnderWay
from predictive.training.models import TrainingRun, TrainingState
from predictive.training.trainer import Progress

_LOOK_EVERY_S: Final = 1.0
Say = Callable[[str], None]


async def train(
    settings: HubSettings, *, site: str, profile: str | None, days: int | None, is_complete: bool, say: Say
) -> bool:
    """Trains one site or all, shows how far it is, and says what came of it. Whether all went well."""
    async with _hub(settings) as hub:
        run_ids = await _asked(hub, site, profile, days, is_complete, say)
        # Another process may be the one that trains: then this one only looks on.
        if not await hub.rooms.predictive.training.trainer.train_waiting(_shown(say)):
            say("another process of this hub is training; this is how far it is")
            await _look_on(hub, run_ids, say)
        runs = [await _run(hub, run_id) for run_id in run_ids]
        for run in runs:
            for line in lines_of_run(run):
                say(line)
    return all(run.state == TrainingState.DONE.value for run in runs)


async def train_waiting(settings: HubSettings) -> None:
    """What the job of the night starts: trains what waits, says nothing."""

    async def nothing(_progress: Progress) -> None:
        return

    async with _hub(settings) as hub:
        await hub.rooms.predictive.training.trainer.train_waiting(nothing)


async def models(settings: HubSettings, *, site: str) -> list[str]:
    """Every stored model with its figures, as a table to read in a terminal."""
    async with _hub(settings) as hub, hub.common.database.transaction() as session:
        names = {one.id: one.code for one in await hub.rooms.catalog.service.sites(session, Scope.everywhere())}
        chosen = await _sites(hub, session, site)
        cards = await hub.rooms.predictive.training.store.find(session, Scope.of(*chosen))
    return list(lines_of_models(cards, names))


@asynccontextmanager
async def _hub(settings: HubSettings) -> AsyncIterator[Hub]:
    async with infrastructure(settings) as infra:
        # Beside a hub that runs, the process that has the store answers; else it is ours to open.
        roles = [Role.STORE] if infra.nats is not None else []
        async with build(settings, infra, roles) as hub:
            await hub.keeper.refresh()
            yield hub


async def _sites(hub: Hub, session: AsyncSession, site: str) -> list[UUID]:
    """Raises NoSuchSite."""
    sites = await hub.rooms.catalog.service.sites(session, Scope.everywhere())
    chosen = [one.id for one in sites if site in ("", one.code)]
    if not chosen:
        raise NoSuchSite(f"there is no site {site}; there are {', '.join(one.code for one in sites) or 'none'}")
    return chosen


async def _asked(
    hub: Hub, site: str, profile: str | None, days: int | None, is_complete: bool, say: Say
) -> list[UUID]:  # fmt: skip
    """The trainings to look at: those asked for now, and those that were under way already. Raises NothingToTrain."""
    found: list[UUID] = []
    async with hub.common.database.transaction() as session:
        chosen = await _sites(hub, session, site)
    refused: DomainError | None = None
    for site_id in chosen:
        try:
            async with hub.common.database.transaction() as session:
                run = await hub.rooms.predictive.training.runs.ask(
                    session, site_id=site_id, subject=profile, days=days, is_complete=is_complete, by_job=False
                )
                found.append(run.id)
        except TrainingUnderWay as running:
            say("a training of this site is under way already: it is gone on with")
            found.append(UUID(running.training_id))
        except NothingToTrain as nothing:
            refused = nothing
    if not found and refused is not None:
        raise refused
    return found


def _shown(say: Say) -> Callable[[Progress], Awaitable[None]]:
    async def show(progress: Progress) -> None:
        say(f"{progress.learnt} of {progress.equipment} equipment {progress.subject}".rstrip())

    return show


async def _look_on(hub: Hub, run_ids: Sequence[UUID], say: Say) -> None:
    said = ""
    while True:
        runs = [await _run(hub, run_id) for run_id in run_ids]
        under_way = [run for run in runs if run.ended_at is None]
        if not under_way:
            return
        words = f"{sum(run.learnt for run in runs)} of {sum(run.equipment for run in runs)} equipment"
        if words != said:
            say(words)
            said = words
        await asyncio.sleep(_LOOK_EVERY_S)


async def _run(hub: Hub, run_id: UUID) -> TrainingRun:
    async with hub.common.database.transaction() as session:
        return await hub.rooms.predictive.training.runs.get(session, Scope.everywhere(), run_id)
