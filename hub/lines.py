"""The two lines of readings, built by hand: adapters → bus, bus → store. (The judge line is in `hub.judge_line`.)"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from building.link import LinkChange
from bus.client import Bus
from bus.keeper import Readers, StreamKeeper
from catalog.service import CatalogService
from device_adapters.commands.sending import CommandDoor
from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.modbus.adapter import ModbusAdapter
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.mqtt.adapter import MqttAdapter
from device_adapters.mqtt.broker import EMBEDDED, Broker
from device_adapters.mqtt.consoles import Answering, ConsoleLine
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.refusals import RefusalLine
from device_adapters.sharing import MakeAdapter, Share, SharedAdapters
from device_adapters.supervisor import Adapter, AdapterMetrics, AdapterSupervisor
from hub.judge_line import DURABLE as JUDGE_DURABLE
from hub.rooms import CatalogRoom, Common
from kit.db import Database
from telemetry.duckdb_store import DuckDbStore
from telemetry.remote import TelemetryServer
from telemetry.settings import TelemetrySettings
from telemetry.store import TelemetryStore
from telemetry.store_line import DURABLE as STORE_DURABLE
from telemetry.store_line import StoreLine
from telemetry.upkeep import TelemetryUpkeep


class LinkNotes:
    """Writes down in the catalog that devices' links went up or down."""

    def __init__(self, database: Database, catalog: CatalogService) -> None:
        self._database = database
        self._catalog = catalog

    async def __call__(self, changes: Sequence[LinkChange]) -> None:
        async with self._database.transaction() as session:
            await self._catalog.note_links(session, changes)


def build_refusals(common: Common, catalog: CatalogRoom) -> RefusalLine:
    return RefusalLine(
        common.database, discovery=catalog.discovery, dead_letters=catalog.dead_letters, clock=common.clock,
        registry=common.registry,
    )  # fmt: skip


@dataclass(frozen=True)
class AdapterShares:
    """Which brokers and which Modbus endpoints are this process's."""

    brokers: Share
    endpoints: Share


def build_adapters(
    common: Common,
    catalog: CatalogRoom,
    *,
    intake: Intake,
    brokers: Sequence[Broker],
    metrics: MqttMetrics,
    shares: AdapterShares,
    answering: Answering,
    door: CommandDoor | None = None,
) -> list[Adapter]:
    """From devices to the bus: a client a broker, one poller for Modbus; and what consoles answer at the embedded
    broker. Each `run` until cancelled."""
    adapter_metrics = AdapterMetrics(common.registry)

    def links() -> LinkBook:
        return LinkBook(on_links=LinkNotes(common.database, catalog.service), clock=common.clock)

    def mqtt(broker: Broker, links: LinkBook) -> Adapter:
        return MqttAdapter(
            broker, directory=common.directory, profiles=common.profiles, intake=intake, links=links,
            clock=common.clock, metrics=metrics, door=door,
        )  # fmt: skip

    def consoles(broker: Broker, links: LinkBook) -> Adapter:
        return ConsoleLine(broker, answering, metrics)

    makers: dict[str, MakeAdapter] = {f"mqtt {broker.name}": partial(mqtt, broker) for broker in brokers}
    makers |= {f"consoles {one.name}": partial(consoles, one) for one in brokers if one.name == EMBEDDED}
    shared = SharedAdapters(makers, share=shares.brokers, links=links, clock=common.clock, metrics=adapter_metrics)
    settings = ModbusSettings()
    if not settings.enabled:
        return [shared]
    book = links()
    modbus = ModbusAdapter(
        directory=common.directory, profiles=common.profiles, intake=intake, links=book, settings=settings,
        clock=common.clock, registry=common.registry, share=shares.endpoints, door=door,
    )  # fmt: skip
    return [shared, AdapterSupervisor({"modbus": modbus}, links=book, clock=common.clock, metrics=adapter_metrics)]


@dataclass(frozen=True)
class StoreWork:
    """From the bus into an open store; answers of other processes' questions; upkeep. `run` until cancelled.

    Without `server` whoever has a question asks the engine's own server.
    """

    line: StoreLine
    server: TelemetryServer | None
    upkeep: TelemetryUpkeep
    keeper: StreamKeeper

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.line.run(), name="store line")
            if self.server is not None:
                group.create_task(self.server.run(), name="telemetry queries")
            group.create_task(self.upkeep.run(), name="telemetry upkeep")
            group.create_task(self.keeper.run(), name="bus keeper")


def build_store_work(
    common: Common, catalog: CatalogRoom, *, bus: Bus, store: TelemetryStore, settings: TelemetrySettings
) -> StoreWork:
    refuse = partial(_refuse, common, catalog)
    return StoreWork(
        line=StoreLine(
            bus=bus, store=store, directory=common.directory, refuse=refuse,
            registry=common.registry,
        ),
        server=TelemetryServer(bus=bus, store=store, copy=store.snapshot) if isinstance(store, DuckDbStore) else None,
        upkeep=TelemetryUpkeep(
            store=store, clock=common.clock, retention_days=settings.retention_days,
            interval_s=settings.upkeep_interval_s, registry=common.registry,
        ),
        keeper=StreamKeeper(
            bus, Readers(of_all=(STORE_DURABLE,), of_each=(JUDGE_DURABLE,)), common.clock, common.registry
        ),
    )  # fmt: skip


async def _refuse(
    common: Common, catalog: CatalogRoom, *, raw: bytes, reason: str, detail: str, source: str, site_id: UUID | None
) -> None:
    async with common.database.transaction() as session:
        await catalog.dead_letters.add(
            session, raw=raw, reason=reason, detail=detail, source=source, site_id=site_id,
            received_at=common.clock.now(),
        )  # fmt: skip
