"""The servers the hub stands on: its own children by default, yours where a URL says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bus.address import BusAddress
from bus.client import BusSettings
from hub.lock import folder_lock, is_locked
from hub.schema import bring_up_to_date
from hub.settings import Durability, HubSettings
from kit.logs import logger
from kit.secrets import SecretStore
from kit.supervision.nats import BUS_USER, MQTT_USER, NatsConfig, NatsServer, TlsFiles, running_nats
from kit.supervision.ports import require_free
from kit.supervision.postgres import DATABASE, SUPERUSER, running_postgres

log = logger(__name__)

# A message on this many servers survives the loss of one; a cluster that names as many keeps as many.
REPLICAS = 3

SYNC_IS_THE_SERVERS = (
    "HUB_DURABLE=power does not reach the servers of HUB_NATS_URL: write `sync_interval: always` into their "
    "configuration (deploy/nats/cluster.conf, block jetstream), or a power cut takes what they had not synced"
)


@dataclass(frozen=True)
class MqttListener:
    """Where the embedded MQTT listener is, and the hub's own account there."""

    host: str
    port: int
    username: str
    password: str
    ca_file: Path | None = None
    """With it the listener speaks TLS, and this certifies it."""


@dataclass(frozen=True)
class Infrastructure:
    """How to reach PostgreSQL and the bus. `nats` is the embedded server when this process owns it.

    `nats_user` is None where the URL says who comes in.
    """

    database_url: str
    nats_url: str
    nats_user: str | None
    nats_password: str | None
    secrets: SecretStore
    nats: NatsServer | None
    mqtt: MqttListener | None


@asynccontextmanager
async def infrastructure(settings: HubSettings) -> AsyncIterator[Infrastructure]:
    """Servers that are up and a database that is migrated.

    Starts what no URL names. Beside a hub that already works on the same folder it uses that hub's servers. Raises
    AlreadyRunning, PortTaken, ChildFailed.
    """
    secrets = settings.secrets
    if is_sync_the_servers(settings):
        log.warning(SYNC_IS_THE_SERVERS)
    if settings.database_url and settings.nats_url:
        await asyncio.to_thread(bring_up_to_date, settings.database_url)
        yield Infrastructure(settings.database_url, settings.nats_url, None, None, secrets, None, None)
        return
    if is_locked(settings.var):
        yield beside(settings, secrets)
        return
    async with AsyncExitStack() as stack:
        stack.enter_context(folder_lock(settings.var))
        yield await _own(settings, secrets, stack)


def is_sync_the_servers(settings: HubSettings) -> bool:
    """Whether `power` was asked for a bus whose configuration is not ours to write."""
    return settings.durable is Durability.POWER and bool(settings.nats_url)


@asynccontextmanager
async def with_database(settings: HubSettings) -> AsyncIterator[str]:
    """The URL of the database alone, for commands that need no bus: yours, a running hub's, or our own started."""
    secrets = settings.secrets
    if settings.database_url:
        yield settings.database_url
    elif is_locked(settings.var):
        yield beside(settings, secrets).database_url
    else:
        with folder_lock(settings.var):
            password = secrets.get("postgres_password")
            async with running_postgres(
                settings.var / "postgres", password=password, port=settings.postgres_port
            ) as url:
                yield url


def beside(settings: HubSettings, secrets: SecretStore) -> Infrastructure:
    """The servers of the hub that already works on this folder: same ports, same secrets."""
    postgres = (
        f"postgresql://{SUPERUSER}:{secrets.get('postgres_password')}@127.0.0.1:{settings.postgres_port}/{DATABASE}"
    )
    return Infrastructure(
        database_url=settings.database_url or postgres,
        nats_url=settings.nats_url or f"nats://127.0.0.1:{settings.nats_port}",
        nats_user=None if settings.nats_url else BUS_USER,
        nats_password=None if settings.nats_url else secrets.get("bus_password"),
        secrets=secrets,
        nats=None,
        mqtt=None if settings.nats_url else _listener(settings, secrets),
    )


async def _own(settings: HubSettings, secrets: SecretStore, stack: AsyncExitStack) -> Infrastructure:
    found = beside(settings, secrets)
    server: NatsServer | None = None
    if not settings.database_url:
        password = secrets.get("postgres_password")
        folder = settings.var / "postgres"
        await stack.enter_async_context(running_postgres(folder, password=password, port=settings.postgres_port))
    await asyncio.to_thread(bring_up_to_date, found.database_url)
    if not settings.nats_url:
        config = NatsConfig(
            bus_password=secrets.get("bus_password"),
            mqtt_password=secrets.get("mqtt_password"),
            port=settings.nats_port,
            mqtt_host=settings.mqtt_bind,
            mqtt_port=settings.mqtt_port,
            mqtt_tls=_tls_files(settings),
            sync_interval="always" if settings.durable is Durability.POWER else "1s",
        )
        server = await stack.enter_async_context(running_nats(settings.var / "nats", config))
    return Infrastructure(
        found.database_url, found.nats_url, found.nats_user, found.nats_password, secrets, server, found.mqtt
    )


def _listener(settings: HubSettings, secrets: SecretStore) -> MqttListener:
    host = "127.0.0.1" if settings.mqtt_bind in ("0.0.0.0", "::") else settings.mqtt_bind  # noqa: S104
    ca_file = settings.mqtt_tls_cert
    return MqttListener(host, settings.mqtt_port, MQTT_USER, secrets.get("mqtt_password"), ca_file)


def _tls_files(settings: HubSettings) -> TlsFiles | None:
    if settings.mqtt_tls_cert is None or settings.mqtt_tls_key is None:
        return None
    # Whole paths: nats-server runs in a folder of its own.
    return TlsFiles(settings.mqtt_tls_cert.resolve(), settings.mqtt_tls_key.resolve())


def check_ports(settings: HubSettings) -> None:
    """Raises PortTaken for the first port that another program holds."""
    require_free(settings.http_bind, settings.http_port, setting="HUB_HTTP_PORT")


def bus_settings(settings: HubSettings, infra: Infrastructure) -> BusSettings:
    """How this process comes onto the bus."""
    servers = len(BusAddress.parse(infra.nats_url).servers)
    replicas = settings.nats_replicas or (REPLICAS if servers >= REPLICAS else 1)
    return BusSettings(infra.nats_url, infra.nats_user or "", infra.nats_password or "", replicas)
