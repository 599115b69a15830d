"""Running some or all roles of the hub in this process, until told to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator

from sqlalchemy import func, select

from catalog.loader import apply_profiles
from hub.bootstrap import SERVED, Hub, Role, Work, build
from hub.infrastructure import Infrastructure, infrastructure
from hub.models_process import ModelsProcess
from hub.settings import HubSettings
from kit.heap import settled_heap
from kit.logs import logger, name_process
from predictive.settings import PredictiveSettings

log = logger(__name__)

START_LOCK = 7_301_968_502

Prepare = Callable[[Hub], Awaitable[None]]


async def run(settings: HubSettings, *, roles: Collection[Role], beside: Work | None = None) -> None:
    """Runs the roles until INT or TERM; then each ends in order and every child server is stopped."""
    with stopped_by_signals():
        async with infrastructure(settings) as infra:
            await run_on(settings, infra, roles=roles, beside=beside)


async def serve(settings: HubSettings) -> None:
    """Runs everything, as `run` does: models in a process of their own."""
    await run(settings, roles=SERVED, beside=ModelsProcess(settings, PredictiveSettings()).run)


async def run_on(
    settings: HubSettings,
    infra: Infrastructure,
    *,
    roles: Collection[Role],
    prepare: Prepare | None = None,
    beside: Work | None = None,
) -> None:
    """Runs the roles on servers that are up, until cancelled.

    `prepare` is awaited once before any role starts; `beside` runs together with them.
    """
    name_process("all" if {*roles} >= {*SERVED} else "+".join(role.value for role in roles))
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
            await _together(hub, roles, beside)


async def _together(hub: Hub, roles: Collection[Role], beside: Work | None) -> None:
    async with asyncio.TaskGroup() as group:
        for name, work in hub.work_of(roles).items():
            group.create_task(_run(name, work), name=name)
        if beside is not None:
            group.create_task(_run("beside", beside), name="beside")
        log.info("hub is up", roles=[role.value for role in roles])


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """INT and TERM cancel the current task; the block then ends quietly."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        log.info("hub stopped")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _run(name: str, work: Work) -> None:
    # Said at once: the group raises it only after every other task has ended in order.
    try:
        await work()
    except Exception:
        log.exception("work failed; the hub stops", work=name)
        raise
