"""Devices that never stop talking: a process of its own, so that it can be killed like any other.

`python -m torture.publisher FOLDER --port … --rate …` reads its account from `FOLDER/account.json` and goes on where
the ledger in FOLDER ends. Readings of `DEVICES` at RATE a second; smoke that comes and goes; now and then rubbish.
"""

import argparse
import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from torture.ledger import Account, Kind, Ledger, Sent, read

SITE = "yunqi"
DEVICES = [f"SMOKE-{number:03}" for number in range(1, 41)]
# Detectors that see smoke, spread over the buildings. Between two of one detector's pass over a minute.
SMOKY = [f"SMOKE-{number:03}" for number in range(60, 480, 20)]
SMOKE_EVERY_S = 12.0
SMOKE_LASTS_S = 3.0
RUBBISH_ONE_IN = 100
# Yesterday's readings, of a device that was offline: there is always a closed day to be compacted.
LATE_ONE_IN = 51
A_DAY_MS = 86_400_000
# Beyond that nothing more is sent before something is acknowledged: a broker that is away fills no memory.
UNACKNOWLEDGED = 2_000


@dataclass
class Pen:
    """Writes messages: sequences go on, and times never repeat a device, as a reading's time is its name."""

    next_seq: int
    newest_ms: dict[str, int] = field(default_factory=dict)

    def message(self, kind: Kind, device: str, *, late_ms: int = 0) -> Sent:
        ts_ms = max(int(time.time() * 1000), self.newest_ms.get(device, 0) + 1)
        self.newest_ms[device] = ts_ms
        ts_ms -= late_ms
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        return Sent(seq, kind, device, ts_ms, 10 + seq % 250 / 10)  # as many digits as the export has


def payload(message: Sent) -> bytes:
    match message.kind:
        case Kind.MALFORMED:
            return b"{torture %d" % message.seq
        case Kind.READING:
            values: dict[str, Any] = {"temperature_c": message.value}
        case Kind.SMOKE | Kind.CLEAR:
            values = {"smoke": message.kind is Kind.SMOKE}
    return json.dumps({"ts": message.ts_ms, "values": values}).encode()


class Publisher:
    """A client with a lasting session that sends again what was not acknowledged, as long as it lives itself."""

    def __init__(self, ledger: Ledger, *, port: int, username: str, password: str) -> None:
        self._ledger = ledger
        self._port = port
        self._under_way: dict[int, int] = {}
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="torture-publisher", clean_session=False)
        self._client.username_pw_set(username, password)
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_publish = self._acknowledged

    def start(self) -> None:
        self._client.connect_async("127.0.0.1", self._port, keepalive=10)
        self._client.loop_start()

    def send(self, message: Sent) -> None:
        """Waits while too much is unacknowledged."""
        while len(self._under_way) >= UNACKNOWLEDGED:
            time.sleep(0.05)
        self._ledger.send(message)
        topic = f"site/{SITE}/device/{message.device}/telemetry"
        mid = self._client.publish(topic, payload(message), qos=1).mid
        # Never held while paho is called, which holds locks of its own when it calls us.
        with self._lock:
            if mid not in self._early:
                self._under_way[mid] = message.seq
                return
            self._early.discard(mid)
        self._ledger.acknowledge(message.seq)

    def _acknowledged(self, _: Any, __: Any, mid: int, *___: Any) -> None:
        with self._lock:
            seq = self._under_way.pop(mid, None)
            if seq is None:  # the answer is here before the number is known
                self._early.add(mid)
                return
        self._ledger.acknowledge(seq)


class Smoke:
    """One detector after another sees smoke for a while."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._devices = itertools.cycle(SMOKY)
        self._next_at = time.monotonic()
        self._seeing: tuple[str, float] | None = None

    def due(self) -> Iterator[Sent]:
        now = time.monotonic()
        if self._seeing is not None and now >= self._seeing[1]:
            yield self._pen.message(Kind.CLEAR, self._seeing[0])
            self._seeing = None
        if self._seeing is None and now >= self._next_at:
            device = next(self._devices)
            yield self._pen.message(Kind.SMOKE, device)
            self._seeing, self._next_at = (device, now + SMOKE_LASTS_S), now + SMOKE_EVERY_S


def left_smoking(account: Account) -> list[str]:
    """Detectors of which a killed publisher does not know that the end of their smoke was heard."""
    last: dict[str, Sent] = {}
    for message in account.sent.values():
        if message.kind in (Kind.SMOKE, Kind.CLEAR):
            last[message.device] = message
    return [
        device
        for device, message in last.items()
        if message.kind is Kind.SMOKE or message.seq not in account.acknowledged
    ]


def run(folder: Path, *, port: int, rate: float) -> None:
    login = json.loads((folder / "account.json").read_text("utf-8"))
    known = read(folder)
    pen = Pen(next_seq=max(known.sent, default=-1) + 1)
    with Ledger(folder) as ledger:
        publisher = Publisher(ledger, port=port, username=login["username"], password=login["password"])
        publisher.start()
        for device in left_smoking(known):
            publisher.send(pen.message(Kind.CLEAR, device))
        smoke, started = Smoke(pen), time.monotonic()
        for number, device in enumerate(itertools.cycle(DEVICES)):
            is_rubbish, is_late = number % RUBBISH_ONE_IN == RUBBISH_ONE_IN - 1, number % LATE_ONE_IN == 0
            kind = Kind.MALFORMED if is_rubbish else Kind.READING
            publisher.send(pen.message(kind, device, late_ms=A_DAY_MS if is_late else 0))
            for message in smoke.due():
                publisher.send(message)
            time.sleep(max(0.0, started + number / rate - time.monotonic()))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--rate", type=float, required=True)
    given = arguments.parse_args()
    run(given.folder, port=given.port, rate=given.rate)
