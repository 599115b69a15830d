"""Running some or all roles of the hub in this process, until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from sqlalchemy import func, select

from catalog.loader import apply_profiles
from hub.bootstrap import Hub, Role, Work, build
from hub.infrastructure import Infrastructure, infrastructure
from hub.models_process import ModelsProcess
from hub.settings import HubSettings
from hub.signals import stopped_by_signals
from kit.heap import settled_heap
from kit.logs import logger, name_process
from predictive.settings import PredictiveSettings

log = logger(__name__)

START_LOCK = 7_301_968_502

Prepare = Callable[[Hub], Awaitable[None]]


async def run(settings: HubSettings, *, roles: Collection[Role], with_models: bool = False) -> None:
    """Runs the roles until INT or TERM; then each ends in order and every child server is stopped.

    `with_models`: models look at readings in a process beside this one (`hub.models_alone`).
    """
    with stopped_by_signals():
        async with infrastructure(settings) as infra:
            await run_on(settings, infra, roles=roles, with_models=with_models)


async def run_on(
    settings: HubSettings,
    infra: Infrastructure,
    *,
    roles: Collection[Role],
    prepare: Prepare | None = None,
    beside: Work | None = None,
    with_models: bool = False,
) -> None:
    """Runs the roles on servers that are up, until cancelled.

    `prepare` is awaited once before any role starts; `beside` runs together with them.
    """
    name_process("+".join(role.value for role in roles) if len(roles) < len(Role) else "all")
    async with build(settings, infra, roles) as hub:
        async with hub.common.database.transaction() as session:
            # Processes that start at once do this one after the other.
            await session.execute(select(func.pg_advisory_xact_lock(START_LOCK)))
            await apply_profiles(session, hub.common.profiles)
            await hub.rooms.rules.load_shipped(session)
        if prepare is not None:
            await prepare(hub)
        await hub.keeper.refresh()
        await hub.users.refresh()
        with settled_heap():
            models = ModelsProcess(settings, PredictiveSettings(), hub.common.registry).run if with_models else None
            await _together(hub, roles, {"beside": beside, "models beside": models})


async def _together(hub: Hub, roles: Collection[Role], beside: Mapping[str, Work | None]) -> None:
    async with asyncio.TaskGroup() as group:
        for name, work in hub.work_of(roles).items():
            group.create_task(_run(name, work), name=name)
        for name, also in beside.items():
            if also is not None:
                group.create_task(_run(name, also), name=name)
        log.info("hub is up", roles=[role.value for role in roles])


async def _run(name: str, work: Work) -> None:
    # Said at once: the group raises it only after every other task has ended in order.
    try:
        await work()
    except Exception:
        log.exception("work failed; the hub stops", work=name)
        raise
