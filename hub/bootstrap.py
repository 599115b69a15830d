"""Starts what the services stand on and says which work each role does."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry

from alarms.consoles import ConsoleDesk
from bus.client import Bus
from bus.lease import PartitionLeases
from bus.owner import OwnerGroup
from bus.sharing import WorkShare
from catalog.directory import Directory, LiveDirectory
from catalog.profiles import load_profiles
from device_adapters.commands.sending import CommandDoor
from device_adapters.intake import Intake
from device_adapters.mqtt.binding import KeptSamples
from device_adapters.mqtt.broker import EMBEDDED, EMBEDDED_SESSIONS, EMBEDDED_TOPICS, Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.settings import MqttSettings
from device_adapters.refusals import RefusalLine
from hub.alarm_brokers import AlarmBrokers
from hub.directory_keeper import DirectoryKeeper
from hub.drop_tally import DropTallies
from hub.health import Readiness, servers_answer
from hub.infrastructure import Infrastructure, bus_settings
from hub.judge_line import build_judge_line
from hub.lines import AdapterShares, StoreWork, build_adapters, build_refusals, build_store_work
from hub.live import LiveUpdates
from hub.mqtt_users import MqttUsers
from hub.rooms import Common, Rooms, build_rooms
from hub.schedule import job_runner
from hub.serving import serve_api, serve_health
from hub.settings import HubSettings
from hub.single_store import SingleStore
from hub.storage_watch import Signs, StorageWatch
from hub.subscriptions import subscriptions
from hub.texts import load_texts
from kit.announcements import Announcements
from kit.clock import SystemClock
from kit.db import Database
from kit.events import JobOutbox
from kit.jobs import JobRunner, new_app
from kit.logs import logger
from telemetry.engines import Engine, open_engine
from telemetry.remote import RemoteTelemetry
from telemetry.settings import TelemetrySettings
from telemetry.store import TelemetryQueries

log = logger(__name__)

Work = Callable[[], Awaitable[None]]


class Role(StrEnum):
    """A part of the hub that may run in a process of its own."""

    ADAPTERS = "adapters"
    STORE = "store"
    JUDGE = "judge"
    API = "api"
    JOBS = "jobs"


@dataclass(frozen=True)
class Hub:
    """Everything built; nothing runs until somebody runs the coroutines of `work_of`."""

    common: Common
    rooms: Rooms
    keeper: DirectoryKeeper
    users: MqttUsers
    health: Work
    always: Mapping[str, Work]
    work: Mapping[Role, Mapping[str, Work]]

    def work_of(self, roles: Collection[Role]) -> dict[str, Work]:
        """What every process does and what these roles do, by name; each runs until cancelled."""
        named = dict(self.always)
        for role in roles:
            named |= self.work[role]
        if Role.API not in roles and self.common.settings.health_port:
            named["health"] = self.health
        return named


@asynccontextmanager
async def build(settings: HubSettings, infra: Infrastructure, roles: Collection[Role]) -> AsyncIterator[Hub]:
    """The whole hub on servers that are up; what was opened is closed at the end of the block."""
    async with AsyncExitStack() as stack:
        common = await _common(settings, infra, stack)
        bus = await stack.enter_async_context(Bus(bus_settings(settings, infra), registry=common.registry))
        telemetry = TelemetrySettings()
        store = _engine(common, telemetry) if telemetry.is_server or Role.STORE in roles else None
        queries = store or RemoteTelemetry(bus)
        brokers, metrics = _brokers(infra), MqttMetrics(common.registry)
        publisher = AlarmBrokers(brokers, process=_owner(), metrics=metrics, registry=common.registry)
        rooms = build_rooms(
            common, queries, topics=publisher, bus=bus, brokers=[broker.name for broker in brokers]
        )  # fmt: skip
        refusals = build_refusals(common, rooms.catalog)
        intake = await stack.enter_async_context(Intake(bus, refusals, registry=common.registry))
        owned = await _owned(common, roles, stack, telemetry)
        await stack.enter_async_context(rooms.connectors.opened())
        if store is not None:
            await stack.enter_async_context(store)
        parts = _Parts(bus, store, queries, telemetry, refusals, intake, owned, brokers, metrics, publisher)
        yield _assemble(infra, common, rooms, parts, roles)


@dataclass(frozen=True)
class _Parts:
    """What is opened and shared by several roles."""

    bus: Bus
    store: Engine | None
    queries: TelemetryQueries
    telemetry: TelemetrySettings
    refusals: RefusalLine
    intake: Intake
    owned: "_Owned"
    brokers: Sequence[Broker]
    metrics: MqttMetrics
    publisher: AlarmBrokers


@dataclass(frozen=True)
class _Owned:
    """What several processes share out among themselves. Whoever does not take part is not counted."""

    leases: PartitionLeases
    adapters: AdapterShares
    single_store: SingleStore | None


def _assemble(infra: Infrastructure, common: Common, rooms: Rooms, parts: _Parts, roles: Collection[Role]) -> Hub:
    brokers, metrics, publisher = parts.brokers, parts.metrics, parts.publisher
    kept = KeptSamples(common.profiles, rooms.catalog.discovery, parts.intake, common.directory)
    handled = subscriptions(rooms, kept)
    common.database.use_outbox(JobOutbox(common.jobs, handled))
    keeper = DirectoryKeeper(common.database, common.directory)
    live = LiveUpdates(common.registry)
    judge = build_judge_line(
        database=common.database, bus=parts.bus, leases=parts.owned.leases,
        alarms=rooms.alarms.service, rules=rooms.rules, queries=parts.queries, publisher=publisher,
        directory=common.directory, clock=common.clock, registry=common.registry,
    )  # fmt: skip
    users = MqttUsers(common.database, rooms.credentials, infra.nats)
    announcements = Announcements(common.database.url, registry=common.registry)
    for hearer in (keeper.hear, live.hear, judge.hear, users.hear):
        announcements.subscribe(hearer)
    adapters = build_adapters(
        common,
        rooms.catalog,
        intake=parts.intake,
        brokers=brokers,
        metrics=metrics,
        shares=parts.owned.adapters,
        door=_door(common, rooms, parts.bus),
        answering=ConsoleDesk(
            rooms.alarms.service, rooms.credentials, common.database.transaction, common.texts, common.registry
        ).answer,
    )
    tallies = DropTallies(common.database, common.registry, common.clock, process=_process(roles))
    runner = job_runner(common, rooms, handled, publish_alarms=judge.publication.publish_pending, tallies=tallies)
    store_work = _store_work(common, rooms, parts) if Role.STORE in roles else None
    watch = _storage_watch(infra, common, rooms, parts, store_work)
    readiness = Readiness(servers_answer(common.database, parts.bus) | {"storage": watch.check})
    always: dict[str, Work] = {
        "announcements": announcements.run,
        "directory": keeper.run,
        "MQTT users": users.run,
        "refusals": parts.refusals.run,
        "storage watch": watch.run,
        "drop tallies": tallies.run,
    }
    work: dict[Role, Mapping[str, Work]] = {
        Role.ADAPTERS: {f"adapters {number}": adapter.run for number, adapter in enumerate(adapters)},
        Role.STORE: {"store": partial(_run_store, store_work, parts)},
        Role.JUDGE: {"judge": judge.run, "alarm messages": publisher.run},
        Role.API: {"api": partial(_serve_api, common, rooms, live, readiness, tallies)},
        Role.JOBS: {
            "jobs": partial(_run_jobs, runner),
            "stalled jobs": runner.keep_rescuing,
            "alarm messages": publisher.run,
        },
    }
    return Hub(
        common, rooms, keeper, users, partial(serve_health, readiness, common.settings, common.registry), always, work
    )


async def _serve_api(
    common: Common, rooms: Rooms, live: LiveUpdates, readiness: Readiness, tallies: DropTallies
) -> None:
    # Here, because the other roles need neither its routes nor their models: 30 MB and half a second of CPU.
    from hub.application import build_api

    app = build_api(common, rooms, live=live, readiness=readiness, tallies=tallies)
    await serve_api(app, common.settings)


def _engine(common: Common, telemetry: TelemetrySettings) -> Engine:
    return open_engine(telemetry, folder=common.settings.var / "telemetry", clock=common.clock)


async def _owned(
    common: Common, roles: Collection[Role], stack: AsyncExitStack, telemetry: TelemetrySettings
) -> _Owned:
    url, owner = common.database.url, _owner()
    brokers = WorkShare(url, group=OwnerGroup.BROKERS, owner=owner)
    endpoints = WorkShare(url, group=OwnerGroup.MODBUS, owner=owner)
    leases = PartitionLeases(url, owner=owner, registry=common.registry)
    # A server has as many writers as you like.
    single_store = None if telemetry.is_server else SingleStore(url, owner=owner)
    if Role.JUDGE in roles:
        await stack.enter_async_context(leases)
    if Role.ADAPTERS in roles:
        await stack.enter_async_context(brokers)
        await stack.enter_async_context(endpoints)
    if Role.STORE in roles and single_store is not None:
        await stack.enter_async_context(single_store)
    return _Owned(leases, AdapterShares(brokers=brokers, endpoints=endpoints), single_store)


async def _common(settings: HubSettings, infra: Infrastructure, stack: AsyncExitStack) -> Common:
    database = await stack.enter_async_context(Database(infra.database_url))
    jobs = new_app(infra.database_url)
    await stack.enter_async_context(jobs.open_async())
    return Common(
        settings=settings, secrets=infra.secrets, database=database, jobs=jobs,
        directory=LiveDirectory(Directory.of(0, ())), profiles=load_profiles(settings.profiles_dir),
        texts=load_texts(), clock=SystemClock(), registry=CollectorRegistry(),
    )  # fmt: skip


def _door(common: Common, rooms: Rooms, bus: Bus) -> CommandDoor | None:
    """Where adapters take commands; None where nobody has switched linkage on: they cannot write then."""
    if not rooms.linkage.settings.enabled:
        return None
    return CommandDoor(bus, directory=common.directory, profiles=common.profiles, clock=common.clock)


def _brokers(infra: Infrastructure) -> list[Broker]:
    """The embedded listener first, then those of HUB_MQTT_BROKERS."""
    brokers = list(MqttSettings().brokers)
    if infra.mqtt is not None:
        own = infra.mqtt
        broker = Broker(
            name=EMBEDDED, host=own.host, port=own.port, username=own.username, password=own.password,
            tls=own.ca_file is not None, ca_file=own.ca_file, life_safety_topics=EMBEDDED_TOPICS,
            life_safety_sessions=EMBEDDED_SESSIONS,
        )  # fmt: skip
        brokers.insert(0, broker)
    return brokers


def _store_work(common: Common, rooms: Rooms, parts: _Parts) -> StoreWork:
    assert parts.store is not None  # opened because the role is ours
    return build_store_work(common, rooms.catalog, bus=parts.bus, store=parts.store, settings=parts.telemetry)


def _storage_watch(
    infra: Infrastructure, common: Common, rooms: Rooms, parts: _Parts, store_work: StoreWork | None
) -> StorageWatch:
    """Watches what this process writes itself, and the servers it runs itself."""
    var = common.settings.var
    refusing = {"bus": lambda: parts.bus.refusing_for_s}
    failing: dict[str, Callable[[], bool]] = {}
    folders = {"photos": common.settings.files} if common.settings.files.is_dir() else {}
    server = infra.nats
    if server is not None:
        folders |= {"bus": var / "nats"}
        failing = {"bus": lambda: server.is_failing}
    if not common.settings.database_url and server is not None:
        folders |= {"database": var / "postgres"}
    if store_work is not None:
        refusing |= {"store": lambda: store_work.line.refusing_for_s}
        if not parts.telemetry.is_server:
            folders |= {"telemetry": parts.telemetry.folder or var / "telemetry"}
    signs = Signs(
        folders, refusing, lambda: 0.0 if store_work is None else store_work.keeper.unread_share, failing,
        asks_database=store_work is not None,
    )  # fmt: skip
    return StorageWatch(
        signs, low_bytes=common.settings.storage_low_mb * 1024**2, database=common.database,
        alarms=rooms.alarms.service, catalog=rooms.catalog.service, editor=rooms.catalog.editor,
        directory=common.directory, texts=common.texts, clock=common.clock, registry=common.registry,
    )  # fmt: skip


async def _run_store(work: StoreWork | None, parts: _Parts) -> None:
    assert work is not None  # built because the role is ours
    async with asyncio.TaskGroup() as group:
        if parts.owned.single_store is not None:
            group.create_task(parts.owned.single_store.run(), name="only store")
        group.create_task(work.run(), name="store")


async def _run_jobs(runner: JobRunner) -> None:
    async with runner.running():
        await asyncio.Event().wait()


def _process(roles: Collection[Role]) -> str:
    """Names this process for people: the same after a restart."""
    working = sorted(role.value for role in roles)
    return f"{socket.gethostname()} {'all' if len(working) == len(Role) else '+'.join(working)}"


def _owner() -> str:
    """Names this process among those that share partitions and broker sessions."""
    return f"{socket.gethostname()}-{os.getpid()}"
