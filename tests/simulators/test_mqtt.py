"""Real round trips through a real Mosquitto."""

import json
import time
from pathlib import Path

import pytest

from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.mqtt.connection import Broker, Connection, CredentialsFile
from simulators.mqtt.elevators import FULL_REPORT_S, ElevatorPublisher
from simulators.mqtt.platforms import WATER_INTERVAL_S, smoke_platform, water_platform
from tests.simulators.conftest import wait_until
from tests.simulators.days import MIDNIGHT_S
from tests.simulators.test_fleet import NOW

NOON_S = MIDNIGHT_S + 12 * 3600
TRAPPED = FaultRequest("passenger-trapped", "LIFT-01", {}, None)
OFFLINE = FaultRequest("offline", "LIFT-01", {}, None)


class Bench:
    """A fleet, and time that passes as fast as the test wants."""

    def __init__(self, small_site, port: int, credentials: Path | None = None) -> None:
        self.fleet = Fleet(small_site, seed=1, speed=1.0, started_unix_s=NOON_S)
        self.unix_s = NOON_S
        self._broker = Broker("127.0.0.1", port)
        self._credentials = CredentialsFile(credentials)

    def connect(self, username: str, client_id: str, status_topic: str | None) -> Connection:
        return Connection(
            self._broker, self._credentials, username=username, client_id=client_id, status_topic=status_topic
        )

    def elevators(self) -> ElevatorPublisher:
        publisher = ElevatorPublisher(self.fleet, self.connect, unix_s=self.unix_s)
        open_all(publisher.connections)
        return publisher

    def pass_time(self, seconds: float, *publishers, dt_s: float = 0.2) -> None:
        for _ in range(round(seconds / dt_s)):
            self.unix_s += dt_s
            self.fleet.step_elevators(unix_s=self.unix_s, dt_s=dt_s)
            self.fleet.step_others(unix_s=self.unix_s, dt_s=dt_s)
            for publisher in publishers:
                publisher.publish(unix_s=self.unix_s)


def open_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.open()
    wait_until(lambda: all(connection.is_up for connection in connections), what="connections are up")


def close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


@pytest.fixture
def bench(small_site, mosquitto) -> Bench:
    return Bench(small_site, mosquitto.port)


def values_of(payloads: list[bytes]) -> list[dict[str, float]]:
    return [json.loads(payload)["values"] for payload in payloads]


def test_a_trapped_passenger_is_on_the_wire_with_the_next_step(bench, listen):
    listener = listen("site/probe/device/LIFT-01/telemetry")
    publisher = bench.elevators()
    bench.pass_time(1, publisher)
    bench.fleet.start_fault(TRAPPED, now=NOW)
    bench.pass_time(0.2, publisher)
    wait_until(
        lambda: any(values.get("passenger_trapped") == 1 for values in values_of([p for _, p, _ in listener.heard])),
        what="passenger_trapped on the wire",
    )
    last = json.loads(listener.heard[-1][1])
    assert last["ts"] == int(bench.unix_s * 1000)
    close_all(publisher.connections)


def test_an_elevator_tells_changes_at_once_and_everything_every_ten_seconds(bench, listen):
    listener = listen("site/probe/device/LIFT-01/telemetry")
    publisher = bench.elevators()
    bench.pass_time(600, publisher)
    end_ms = int(bench.unix_s * 1000) - 1000 * FULL_REPORT_S
    wait_until(lambda: listener.heard and json.loads(listener.heard[-1][1])["ts"] > end_ms, what="the last report")
    time.sleep(0.2)
    close_all(publisher.connections)
    told = values_of([payload for _, payload, _ in listener.heard])
    full = [values for values in told if "machine_room_temp_c" in values]
    assert len(full) == pytest.approx(600 / FULL_REPORT_S, abs=2)
    # Put together, the partial reports are the whole picture.
    picture: dict[str, float] = {}
    for values in told:
        picture |= values
    now = bench.fleet.values("LIFT-01")
    assert {key: picture[key] for key in ("floor", "running", "door_closed", "door_zone")} == {
        key: now[key] for key in ("floor", "running", "door_closed", "door_zone")
    }


def test_status_is_retained_online_and_offline_as_last_will_when_the_power_is_cut(bench, listen):
    topic = "site/probe/device/LIFT-01/status"
    listener = listen("site/+/device/+/status")
    publisher = bench.elevators()
    wait_until(lambda: listener.on(topic) == [b"online"], what="online")
    bench.fleet.start_fault(OFFLINE, now=NOW)
    bench.pass_time(0.2, publisher)
    wait_until(lambda: listener.on(topic) == [b"online", b"offline"], what="the last will")
    late = listen(topic)
    wait_until(lambda: late.heard == [(topic, b"offline", True)], what="the will is retained")
    assert listener.on("site/probe/device/LIFT-02/status") == [b"online"]
    bench.fleet.faults.stop_all("LIFT-01")
    bench.pass_time(0.2, publisher)
    wait_until(lambda: listener.on(topic)[-1] == b"online", what="back online")
    close_all(publisher.connections)


def test_an_orderly_end_is_no_outage(bench, listen):
    listener = listen("site/+/device/+/status")
    publisher = bench.elevators()
    wait_until(lambda: len(listener.heard) == 2, what="both online")
    close_all(publisher.connections)
    time.sleep(0.3)
    assert {payload for _, payload, _ in listener.heard} == {b"online"}


def test_elevators_reconnect_by_themselves_and_what_happened_meanwhile_arrives(bench, mosquitto, listen):
    publisher = bench.elevators()
    mosquitto.stop()
    wait_until(lambda: not any(connection.is_up for connection in publisher.connections), what="the outage is noticed")
    bench.fleet.start_fault(TRAPPED, now=NOW)
    bench.pass_time(1, publisher)
    mosquitto.start()
    listener = listen("site/probe/device/LIFT-01/telemetry")
    wait_until(
        lambda: any(values.get("passenger_trapped") == 1 for values in values_of([p for _, p, _ in listener.heard])),
        what="the queued message",
    )
    close_all(publisher.connections)


def test_a_refused_elevator_reads_its_credentials_again(small_site, mosquitto, tmp_path):
    import subprocess

    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "probe/LIFT-01", "right"], check=True)
    passwords.chmod(0o644)
    mosquitto.stop()
    mosquitto.settings = f"allow_anonymous false\npassword_file {passwords}"
    mosquitto.start()
    credentials = tmp_path / "credentials.json"
    credentials.write_text(json.dumps({"probe/LIFT-01": "wrong"}))
    connection = Bench(small_site, mosquitto.port, credentials).connect("probe/LIFT-01", "c", None)
    connection.open()
    time.sleep(0.5)
    assert not connection.is_up
    credentials.write_text(json.dumps({"probe/LIFT-01": "right"}))
    wait_until(lambda: connection.is_up, what="accepted with the new password")
    connection.close()


def test_battery_devices_report_once_soon_then_each_at_its_own_minute(bench, listen):
    listener = listen("site/+/device/+/telemetry")
    connection = bench.connect("probe/nbiot-water", "water", None)
    platform = water_platform(bench.fleet, connection, unix_s=bench.unix_s, first_within_s=30)
    open_all([connection])
    bench.pass_time(40, platform, dt_s=1)
    wait_until(lambda: len(listener.heard) >= 12, what="first reports")
    assert len({topic for topic, _, _ in listener.heard}) == len(listener.heard) == 12
    bench.pass_time(WATER_INTERVAL_S - 40, platform, dt_s=1)
    bench.pass_time(WATER_INTERVAL_S, platform, dt_s=1)
    # The broker passes on in order, so the listener has heard the meters out when it hears this.
    connection.publish("site/probe/device/last/telemetry", b"{}")
    wait_until(lambda: listener.on("site/probe/device/last/telemetry"), what="everything published is heard")
    connection.close()
    reports = [payload for topic, payload, _ in listener.heard if not topic.startswith("site/probe/device/last/")]
    counts = {code: len(listener.on(f"site/probe/device/{code}/telemetry")) for code in bench.fleet.water_codes}
    assert set(counts.values()) <= {2, 3}
    stamps = sorted(json.loads(payload)["ts"] // 1000 for payload in reports[-12:])
    assert len(set(stamps)) == 12  # never all at once


def test_smoke_wakes_its_detector_at_once_and_nobody_else(bench, listen):
    listener = listen("site/+/device/+/telemetry")
    connection = bench.connect("probe/nbiot-smoke", "smoke", None)
    platform = smoke_platform(bench.fleet, connection, unix_s=bench.unix_s, first_within_s=1)
    open_all([connection])
    bench.pass_time(3, platform)
    wait_until(lambda: len(listener.heard) == 10, what="first reports")
    bench.fleet.start_fault(FaultRequest("smoke", "SMOKE-004", {}, None), now=NOW)
    bench.pass_time(3, platform)
    wait_until(lambda: len(listener.heard) == 11, what="the alarm")
    topic, payload, _ = listener.heard[-1]
    assert topic == "site/probe/device/SMOKE-004/telemetry"
    assert json.loads(payload)["values"]["smoke"] == 1
    connection.close()


def test_a_platform_says_which_device_it_has_lost(bench, listen):
    listener = listen("site/+/device/+/status")
    connection = bench.connect("probe/nbiot-smoke", "smoke", None)
    platform = smoke_platform(bench.fleet, connection, unix_s=bench.unix_s, first_within_s=1)
    open_all([connection])
    bench.fleet.start_fault(FaultRequest("offline", "SMOKE-002", {}, None), now=NOW)
    bench.pass_time(1, platform)
    bench.fleet.faults.stop_all(None)
    bench.pass_time(1, platform)
    topic = "site/probe/device/SMOKE-002/status"
    wait_until(lambda: listener.on(topic) == [b"offline", b"online"], what="lost and found")
    connection.close()
