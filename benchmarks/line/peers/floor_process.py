"""What a competent afternoon gives: paho, json, one SQLite transaction for whatever has come, PUBACK after it."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.line.packets import Login
from benchmarks.line.peers.rows import Layout
from benchmarks.line.workload import ALARM_TOPIC, POINTS, TELEMETRY_FILTER, THRESHOLD

MESSAGES_A_COMMIT = 500
LINGER_S = 0.005


class Floor:
    """Judges at once, stores in groups: a transaction has 500 messages, or what came within 5 ms."""

    def __init__(self, login: Login, database: Path) -> None:
        self._login = login
        self._database = sqlite3.connect(database, isolation_level=None)
        self._waiting: list[mqtt.MQTTMessage] = []
        self._rows: list[tuple[Any, ...]] = []
        self._alarmed: set[str] = set()
        self._commit_at = 0.0
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=login.client_id, clean_session=False, manual_ack=True
        )

    def run(self) -> None:
        """Until the process is terminated."""
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(Layout.NARROW.table)
        client = self._client
        client.username_pw_set(self._login.username, self._login.password)
        client.on_connect = _subscribe
        client.on_message = self._take
        client.connect(self._login.host, self._login.port)
        while True:
            client.loop(timeout=LINGER_S if self._waiting else 1.0)
            if len(self._waiting) >= MESSAGES_A_COMMIT or (self._waiting and time.monotonic() > self._commit_at):
                self._commit()

    def _take(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        device = message.topic.split("/")[3]
        reading = json.loads(message.payload)
        values = reading["values"]
        ts_ms = reading["ts"]
        self._rows += [(device, point, ts_ms, value) for point, value in values.items()]
        if not self._waiting:
            self._commit_at = time.monotonic() + LINGER_S
        self._waiting.append(message)
        is_above = values[POINTS[0]] > THRESHOLD
        if is_above == (device in self._alarmed):
            return
        (self._alarmed.add if is_above else self._alarmed.discard)(device)
        transition = "raised" if is_above else "returned"
        alarm = {"equipment": device, "transition": transition, "event_time": ts_ms}
        client.publish(ALARM_TOPIC, json.dumps(alarm), qos=1)

    def _commit(self) -> None:
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", self._rows)
        self._database.execute("COMMIT")
        for message in self._waiting:
            self._client.ack(message.mid, message.qos)
        self._rows.clear()
        self._waiting.clear()


def _subscribe(client: mqtt.Client, *_: Any) -> None:
    client.subscribe(TELEMETRY_FILTER, qos=1)


def run(login: Login, database: Path) -> None:
    """The whole life of the process."""
    Floor(login, database).run()
