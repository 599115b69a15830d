"""The publisher against a real Mosquitto: its window, its pace, and that its log is what was received."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.broker import HUB, PASSWORD, PLATFORM, Mosquitto, running_mosquitto
from benchmarks.line.log import Count, Counts, PublicationLog
from benchmarks.line.publisher import Order, Pace, Publisher
from benchmarks.line.workload import TELEMETRY_FILTER, Fleet, hundredths, is_above
from tests.conftest import LIVENESS_S, need

FLEET = Fleet(16)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    need("mosquitto", package="mosquitto")
    with running_mosquitto(tmp_path_factory.mktemp("mosquitto") / "home") as found:
        yield found


def order(broker: Mosquitto, folder: Path, **changes: Any) -> Order:
    usual: dict[str, Any] = {
        "login": broker.login(PLATFORM, client_id=f"test-{folder.name}"), "fleet": FLEET, "pace": Pace.BURST,
        "log": folder / "log", "counts": folder / "counts", "spent": folder / "spent", "messages": 2_000,
    }  # fmt: skip
    return Order(**usual | changes)


class Receiver:
    """What a subscriber got, in order: device number and payload."""

    def __init__(self, broker: Mosquitto) -> None:
        self.got: list[tuple[int, dict[str, Any]]] = []
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="test-receiver")
        self._client.username_pw_set(HUB, PASSWORD)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe(TELEMETRY_FILTER, qos=1)
        self._client.loop_start()
        assert self._subscribed.wait(LIVENESS_S)

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + LIVENESS_S
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        self._client.loop_stop()

    def _take(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.got.append((int(message.topic.split("/")[3][-4:]), json.loads(message.payload)))


def test_the_log_is_what_was_received(broker: Mosquitto, tmp_path: Path) -> None:
    receiver = Receiver(broker)
    Publisher(order(broker, tmp_path)).run()
    receiver.wait_for(2_000)
    log = PublicationLog.read(tmp_path / "log", published=2_000)
    numbers = np.arange(2_000)
    values = hundredths(numbers, is_above(numbers, until=2_000 - FLEET.devices))
    assert [device for device, _ in receiver.got] == (numbers % FLEET.devices).tolist()
    assert [payload["ts"] for _, payload in receiver.got] == log.ts_ms.tolist()
    assert [payload["values"]["supply_temp_c"] for _, payload in receiver.got] == (values[:, 0] / 100).tolist()


def test_no_device_has_a_time_twice(broker: Mosquitto, tmp_path: Path) -> None:
    Publisher(order(broker, tmp_path, messages=1_000)).run()
    ts_ms = PublicationLog.read(tmp_path / "log", published=1_000).ts_ms
    assert (ts_ms[FLEET.devices :] > ts_ms[: -FLEET.devices]).all()
    assert (np.diff(ts_ms) >= 0).all()


def test_no_more_than_the_window_is_unacknowledged(broker: Mosquitto, tmp_path: Path) -> None:
    publisher = Publisher(order(broker, tmp_path, messages=5_000, window=40))
    counts, highest = Counts(tmp_path / "counts"), 0
    thread = threading.Thread(target=publisher.run)
    thread.start()
    while thread.is_alive():
        published = counts[Count.PUBLISHED]
        highest = max(highest, published - counts[Count.ACKNOWLEDGED])
    thread.join()
    assert counts[Count.ACKNOWLEDGED] == 5_000
    assert 0 < highest <= 40


def test_messages_are_evenly_paced(broker: Mosquitto, tmp_path: Path) -> None:
    began_s = time.monotonic()
    Publisher(order(broker, tmp_path, pace=Pace.EVEN, messages=600, rate=400.0)).run()
    sent_s = PublicationLog.read(tmp_path / "log", published=600).sent_ns / 1e9
    # Never early; how late is the machine's affair.
    due_s = began_s + np.arange(600) / 400.0
    assert (sent_s - due_s > -0.005).all()
    assert len(np.unique(sent_s)) > 60, "spread out, not in a few heaps"


def test_it_does_not_run_further_ahead_than_it_is_followed(broker: Mosquitto, tmp_path: Path) -> None:
    publisher = Publisher(order(broker, tmp_path, pace=Pace.FOLLOW, messages=0, seconds=0.5, lag=100))
    counts = Counts(tmp_path / "counts")
    thread = threading.Thread(target=publisher.run)
    thread.start()
    time.sleep(0.3)
    assert counts[Count.PUBLISHED] == 100, "nobody was heard to follow"
    # Heard of the 100th message: another hundred may go.
    log = PublicationLog.read(tmp_path / "log", published=100)
    counts[Count.NEWEST_EVENT_MS] = int(log.ts_ms[-1]) + 1
    thread.join(LIVENESS_S)
    assert counts[Count.PUBLISHED] == 200 + FLEET.devices, "and one more of each device once the time is up"
