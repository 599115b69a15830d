"""Home Assistant as its users set it up for this: an MQTT sensor a point, its recorder, and an automation for alarms.

The recorder keeps the time of arrival; the device's own time is an attribute beside the value, as is usual there, and
that is what the bench compares. Nothing else is recorded.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broker import HUB, PASSWORD
from benchmarks.children import started, stop
from benchmarks.line.peers.node_red import cache
from benchmarks.line.subject import Place, Running, StoredReadings, Subject, SubjectUnavailable
from benchmarks.line.workload import ALARM_TOPIC, POINTS, THRESHOLD, Fleet
from kit.supervision.ports import free_port

# The newest that runs on Python 3.11.
VERSION = "2024.3.3"
# What it would install by itself at its first start: of the integrations below, and of those it always sets up.
PACKAGES = (
    f"homeassistant=={VERSION}", "home-assistant-frontend==20240307.0", "paho-mqtt==1.6.1", "SQLAlchemy==2.0.27",
    "fnv-hash-fast==0.5.0", "psutil-home-assistant==0.0.1", "aiohttp_cors==0.7.0",
    "aiohttp-fast-url-dispatcher==0.3.0", "aiohttp-zlib-ng==0.3.1", "janus==1.0.0", "securetar==2024.2.1",
    "numpy==1.26.0", "PyTurboJPEG==1.7.1", "Pillow==10.2.0", "josepy<2", "setuptools<81",
)  # fmt: skip
START_S, INSTALL_S = 180.0, 600.0
# It subscribes in the seconds after its entities are there.
SUBSCRIBES_WITHIN_S = 8.0
# It works off some hundred messages a second, and a queue of its recorder that is too long is thrown away.
MOST_AT_ONCE = 2_000
# 2,000 devices are 10,000 entities: it was still setting them up after minutes, and stored next to nothing.
MOST_DEVICES = 200
ROWS = """
SELECT m.entity_id, json_extract(a.shared_attrs, '$.ts') AS ts, s.state FROM ({states}) AS s
JOIN states_meta AS m USING (metadata_id) JOIN state_attributes AS a USING (attributes_id)
WHERE ts IS NOT NULL AND s.state NOT IN ('unknown', 'unavailable')
"""


@dataclass(frozen=True)
class RunningHomeAssistant:
    """Its rows are read from the recorder's SQLite from outside."""

    database: Path
    fleet: Fleet
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        return [self.process.pid]

    def newest_ms(self) -> npt.NDArray[np.int64]:
        newest = np.zeros((self.fleet.devices, len(POINTS)), np.int64)
        # Of the last rows only: the newest of every sensor is among them when all is stored.
        states = f"SELECT * FROM states ORDER BY state_id DESC LIMIT {2 * newest.size}"  # noqa: S608 - a number
        for entity, ts_ms, _ in asked(self.database, ROWS.format(states=states)):
            device, point = place_of(entity)
            newest[device, point] = max(newest[device, point], ts_ms)
        found: npt.NDArray[np.int64] = newest.min(axis=1)
        return found

    def stored(self, *, start_ms: int, end_ms: int) -> StoredReadings:
        query = ROWS.format(states="SELECT * FROM states") + "AND ts >= ? AND ts < ?"  # noqa: S608 - our own words
        rows = asked(self.database, query, start_ms, end_ms)
        places = np.array([place_of(entity) for entity, *_ in rows], np.int64).reshape(len(rows), 2)
        ts_ms = np.array([ts_ms for _, ts_ms, _ in rows], np.int64)
        value = np.array([float(state) for *_, state in rows], np.float64)
        return StoredReadings(places[:, 0], places[:, 1], ts_ms, value)


def subject() -> Subject:
    return Subject(
        "home-assistant", lambda: VERSION, running_home_assistant, most_at_once=MOST_AT_ONCE, most_devices=MOST_DEVICES
    )


@contextmanager
def running_home_assistant(place: Place) -> Iterator[Running]:
    """Raises SubjectUnavailable."""
    program, folder = installed(), place.folder / "home-assistant"
    (folder / ".storage").mkdir(parents=True)
    database = folder / "readings.db"
    # Its YAML is read as JSON is written.
    (folder / "configuration.yaml").write_text(json.dumps(configuration(place.fleet, database)), "utf-8")
    (folder / ".storage" / "core.config_entries").write_text(json.dumps(broker_entry(place.broker.port)), "utf-8")
    process = started([str(program), "-c", str(folder), "--skip-pip"], log=folder / "log", cwd=folder)
    try:
        wait_for(RunningHomeAssistant(database, place.fleet, process), folder / "log")
        yield RunningHomeAssistant(database, place.fleet, process)
    finally:
        stop(process)


def installed() -> Path:
    """Its program; installed from the package registry the first time. Raises SubjectUnavailable."""
    folder = cache() / f"home-assistant-{VERSION}"
    program = folder / "bin" / "hass"
    if program.exists():
        return program
    steps = [[sys.executable, "-m", "venv", str(folder)], [str(folder / "bin" / "pip"), "install", "-q", *PACKAGES]]
    for argv in steps:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise SubjectUnavailable(f"pip could not install Home Assistant {VERSION}: {done.stderr.strip()[-300:]}")
    return program


def configuration(fleet: Fleet, database: Path) -> dict[str, Any]:
    """Four sensors and a switch a device; the automation hears the switches."""
    sensors = [sensor(fleet, device, point) for device in range(fleet.devices) for point in POINTS]
    switches = [switch(fleet, device) for device in range(fleet.devices)]
    return {
        "homeassistant": {"name": "bench", "time_zone": "UTC"},
        "http": {"server_host": "127.0.0.1", "server_port": free_port()},
        "logger": {"default": "warning"},
        "recorder": {"db_url": f"sqlite:///{database}", "commit_interval": 1, "include": {"domains": ["sensor"]}},
        "mqtt": {"sensor": sensors, "binary_sensor": switches},
        "automation": [automation(fleet)],
    }


def sensor(fleet: Fleet, device: int, point: str) -> dict[str, Any]:
    name = f"dev_{device:04}_{point}"
    return entity(fleet, device, name, name=name, value=f"{{{{ value_json['values'].{point} }}}}")


def switch(fleet: Fleet, device: int) -> dict[str, Any]:
    value = f"{{{{ 'ON' if value_json['values'].{POINTS[0]} > {THRESHOLD:g} else 'OFF' }}}}"
    return entity(fleet, device, f"dev_{device:04}", name=fleet.codes[device], value=value)


def entity(fleet: Fleet, device: int, key: str, *, name: str, value: str) -> dict[str, Any]:
    topic = fleet.topic(device)
    return {
        "name": name, "unique_id": key, "object_id": key, "state_topic": topic, "qos": 1, "value_template": value,
        "json_attributes_topic": topic, "json_attributes_template": "{{ {'ts': value_json.ts} | tojson }}",
    }  # fmt: skip


def automation(fleet: Fleet) -> dict[str, Any]:
    switches = [f"binary_sensor.dev_{device:04}" for device in range(fleet.devices)]
    alarm = (
        "{{ {'equipment': trigger.to_state.name, 'event_time': trigger.to_state.attributes.ts, "
        "'transition': 'raised' if trigger.to_state.state == 'on' else 'returned'} | tojson }}"
    )
    return {
        "id": "alarm", "alias": "alarm", "mode": "parallel", "max": 10_000,
        "trigger": [
            {"platform": "state", "entity_id": switches, "to": "on"},
            {"platform": "state", "entity_id": switches, "from": "on", "to": "off"},
        ],
        "action": [{"service": "mqtt.publish", "data": {"topic": ALARM_TOPIC, "qos": 1, "payload": alarm}}],
    }  # fmt: skip


def broker_entry(port: int) -> dict[str, Any]:
    """What its dialogue for a broker would have kept."""
    data = {
        "broker": "127.0.0.1", "port": port, "username": HUB, "password": PASSWORD,
        "client_id": "bench-home-assistant", "discovery": False,
    }  # fmt: skip
    entry = {
        "entry_id": "bench", "version": 1, "minor_version": 1, "domain": "mqtt", "title": "bench", "data": data,
        "options": {}, "pref_disable_new_entities": False, "pref_disable_polling": False, "source": "user",
        "unique_id": None, "disabled_by": None,
    }  # fmt: skip
    return {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}


def wait_for(running: RunningHomeAssistant, log: Path) -> None:
    """Until its recorder knows every sensor, and the subscriptions after that."""
    deadline = time.monotonic() + START_S
    wanted = running.fleet.devices * len(POINTS)
    while asked(running.database, "SELECT count(*) FROM states_meta WHERE entity_id LIKE 'sensor.dev%'") < [(wanted,)]:
        if running.process.poll() is not None or time.monotonic() > deadline:
            raise SubjectUnavailable(f"Home Assistant did not start: {log.read_text('utf-8', errors='replace')[-500:]}")
        time.sleep(0.5)
    time.sleep(SUBSCRIBES_WITHIN_S)


def asked(database: Path, query: str, *arguments: int) -> list[tuple[Any, ...]]:
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute(query, arguments).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []  # it has not made it yet
            raise


def place_of(entity_id: str) -> tuple[int, int]:
    """Device and point of `sensor.dev_0007_supply_temp_c`."""
    _, number, point = entity_id.split("_", 2)
    return int(number), POINTS.index(point)
