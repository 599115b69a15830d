"""One MQTT connection of a device or of an operator's platform. Reconnects by itself; never blocks the caller."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from kit.logs import logger

log = logger(__name__)

KEEPALIVE_S = 30
QUEUED_MESSAGES = 1000  # kept while the broker is away; a terminal's memory is small
RECONNECT_MIN_S = 1
RECONNECT_MAX_S = 8


@dataclass(frozen=True)
class Broker:
    """Where to connect. `ca_file` set: over TLS, checked against it."""

    host: str
    port: int
    ca_file: Path | None = None


class CredentialsFile:
    """A JSON file {username: password}; read again whenever a broker refuses us, since it may have been renewed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def password(self, username: str) -> str | None:
        if self._path is None:
            return None
        try:
            known: Mapping[str, str] = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            log.warning("MQTT credentials cannot be read", path=str(self._path), error=str(error))
            return None
        return known.get(username)


class Connection:
    """A paho client with its own network thread. With `status_topic`: `online` there, and `offline` as last will."""

    def __init__(
        self, broker: Broker, credentials: CredentialsFile, *, username: str, client_id: str, status_topic: str | None
    ) -> None:
        self._broker = broker
        self._credentials = credentials
        self._username = username
        self._client_id = client_id
        self._status_topic = status_topic
        self._client: Client | None = None
        self._is_up = threading.Event()
        self._outage_told = False
        self.refused_messages = 0

    @property
    def is_up(self) -> bool:
        return self._is_up.is_set()

    def open(self) -> None:
        """Returns at once; the connection comes up in the background, however long the broker is away."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, clean_session=True)
        client.max_queued_messages_set(QUEUED_MESSAGES)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        if self._status_topic is not None:
            client.will_set(self._status_topic, "offline", qos=1, retain=True)
        if self._broker.ca_file is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(self._broker.ca_file)))
        self._client = client
        self._authenticate(client)
        client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> MQTTMessageInfo | None:
        """QoS 1. While the broker is away messages wait, up to QUEUED_MESSAGES; beyond they are counted and lost."""
        if self._client is None:
            return None
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if info.rc not in (0, 4):  # 4: no connection now, queued
            self.refused_messages += 1
        return info

    def close(self) -> None:
        """An orderly end: the broker drops the last will."""
        if (client := self._client) is not None:
            self._client = None
            client.disconnect()
            client.loop_stop()
            self._is_up.clear()

    def cut(self) -> None:
        """A power cut: the line drops without a word, so the broker sends the last will."""
        if (client := self._client) is None:
            return
        self._client = None
        self._is_up.clear()
        client.on_connect = client.on_disconnect = None
        # The network thread is told to end, then sees a dead line; the fleet's loop must not wait for that.
        threading.Thread(target=client.loop_stop, name=f"end {self._client_id}", daemon=True).start()
        line = client.socket()
        if isinstance(line, socket.socket):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _authenticate(self, client: Client) -> None:
        password = self._credentials.password(self._username)
        if password is not None:
            client.username_pw_set(self._username, password)

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._tell_outage(str(reason))
            self._authenticate(client)
            return
        self._is_up.set()
        if self._outage_told:
            self._outage_told = False
            log.info("MQTT connection is back", username=self._username)
        if self._status_topic is not None:
            client.publish(self._status_topic, "online", qos=1, retain=True)

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._is_up.clear()
        if reason.is_failure:
            self._tell_outage(str(reason))

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        self._tell_outage("broker cannot be reached")

    def _tell_outage(self, reason: str) -> None:
        if not self._outage_told:
            self._outage_told = True
            log.warning("MQTT connection is down", username=self._username, reason=reason)
