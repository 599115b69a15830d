"""Healthy devices beside a flood of malformed messages, and smoke behind a backlog, as a part of the bench."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.broker import PANEL, PLATFORM, Mosquitto, running_mosquitto
from benchmarks.flood.flooder import flood, message, pile_up, telemetry
from benchmarks.line import hub_subject
from benchmarks.line.packets import acknowledgement, connected, subscribe
from benchmarks.line.phases import kept
from benchmarks.line.publisher import Pace
from benchmarks.line.rig import Load, Rig, running_rig
from benchmarks.line.subject import Place
from benchmarks.line.workload import Fleet
from benchmarks.part import Aim, Context, Details, Figure, PartUnavailable

_SPAWN = multiprocessing.get_context("spawn")
_HEALTHY = 504  # 500, in eight buildings of equal size
_RATE = 2_000
_PATIENCE_S = (4.0, 15.0, 30.0)
_FIRE = """
[site]
code = "fire"
name = "Fire"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B1"
name = "B1"

[[equipment]]
code = "SMOKE-1"
kind = "smoke_detector"
profile = "nbiot-smoke"
protocol = "mqtt"
building = "B1"
"""
_SMOKE_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class FloodPart:
    name: str = "flood"
    words: str = "Healthy devices beside malformed messages at 20,000/s; smoke behind 200,000 ordinary messages"
    flood_rate: float = 20_000
    backlog: int = 200_000

    def measure(self, context: Context) -> Details:
        folder = context.folder / "hub"
        folder.mkdir(parents=True)
        seconds = 5 if context.is_quick else 20
        load = Load(pace=Pace.EVEN, messages=_RATE * seconds, rate=_RATE, memory_every_s=1.0)
        with running_mosquitto(folder / "mosquitto") as broker:
            subject, place = hub_subject.subject(), Place(folder, broker, Fleet(_HEALTHY))
            with running_rig(subject, place) as rig:
                _warm_up(rig)
                context.say("healthy devices alone")
                calm = kept(rig.run(load))
                context.say(f"beside malformed messages at {self.flood_rate:,.0f}/s")
                with flooding(broker, self.flood_rate) as counted:
                    time.sleep(1.0)
                    begun, began = counted.value, time.monotonic()
                    stormy = kept(rig.run(load))
                    stormy["flood_per_s"] = (counted.value - begun) / (time.monotonic() - began)
                context.say(f"smoke behind {self.backlog:,} ordinary messages")
                smoke_s = self._smoke(rig, broker, place)
        return {"calm": calm, "stormy": stormy, "smoke_s": smoke_s, "backlog": self.backlog}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        calm, stormy = details["calm"], details["stormy"]
        calm_ms, stormy_ms = calm["latency_ms"]["p99"], stormy["latency_ms"]["p99"]
        is_clean = bool(calm["verdict"]["is_clean"] and stormy["verdict"]["is_clean"])
        return [
            Figure(name="flood.calm.p99", words="healthy, alarm p99, alone", value=calm_ms, unit="ms"),
            Figure(name="flood.stormy.p99", words="healthy, alarm p99, in the flood", value=stormy_ms, unit="ms"),
            Figure(
                name="flood.ratio", words="p99 in the flood, times alone", value=stormy_ms / calm_ms, aim=Aim(at_most=2)
            ),
            Figure(
                name="flood.rate", words="malformed messages taken", value=stormy["flood_per_s"], unit="/s",
                aim=Aim(at_least=0.9 * self.flood_rate),
            ),
            Figure(
                name="flood.lost", words="phases in which something healthy was lost or doubled",
                value=0.0 if is_clean else 1.0, aim=Aim(at_most=0),
            ),
            Figure(
                name="flood.memory", words="memory at its peak in the flood", value=stormy["memory_mb"]["peak"],
                unit="MB", aim=Aim(at_most=500),
            ),
            Figure(
                name="flood.smoke", words=f"smoke behind {details['backlog']:,} messages: alarm on MQTT",
                value=details["smoke_s"], unit="s", aim=Aim(at_most=1),
            ),
        ]  # fmt: skip

    def _smoke(self, rig: Rig, broker: Mosquitto, place: Place) -> float:
        """Seconds from the hub's waking up (the backlog, then the smoke, wait at the broker) to the alarm on MQTT."""
        running = rig.subject
        assert isinstance(running, hub_subject.RunningHub)
        declaration = place.folder / "fire.toml"
        declaration.write_text(_FIRE, "utf-8")
        hub_subject.command(running, place, ["load-site", str(declaration)])
        time.sleep(3.0)  # the hub takes up the new site within a second or two
        platform = broker.login(PLATFORM, client_id="bench-backlog")
        topic = telemetry("fire", "SMOKE-1")
        with connected(broker.login(PANEL, client_id="bench-fire")) as panel:
            subscribe(panel, "site/fire/alarms")
            os.kill(running.process.pid, signal.SIGSTOP)
            try:
                start_ms = time.time_ns() // 1_000_000
                pile_up(platform, messages=self.backlog, devices=_HEALTHY, start_ms=start_ms)
                with connected(broker.login(PLATFORM, client_id="bench-smoke")) as detector:
                    detector.sendall(message(topic, b'{"values":{"smoke":true}}', 1))
                    detector.recv(4)
            finally:
                os.kill(running.process.pid, signal.SIGCONT)
            woken = time.monotonic()
            panel.settimeout(_SMOKE_WITHIN_S)
            heard = panel.recv(65_536)
            took_s = time.monotonic() - woken
            assert b"SMOKE-1" in heard, heard[:200]
            panel.sendall(acknowledgement(1))
        return took_s


@contextmanager
def flooding(broker: Mosquitto, rate: float) -> Iterator[Any]:
    """A flood until the end of the block; how many messages the broker has acknowledged so far."""
    counted, ended = _SPAWN.Value("q", 0), _SPAWN.Event()
    login = broker.login(PLATFORM, client_id="bench-flood")
    process = _SPAWN.Process(target=flood, args=(login, rate, counted, ended), name="flood", daemon=True)
    process.start()
    try:
        yield counted
    finally:
        ended.set()
        process.join(10)
        process.terminate()


def _warm_up(rig: Rig) -> None:
    """Raises PartUnavailable when nothing arrives."""
    hello = [Load(pace=Pace.BURST, messages=rig.fleet.devices, done_within_s=seconds) for seconds in _PATIENCE_S]
    if not any(rig.run(load).is_done for load in hello):
        raise PartUnavailable("the hub started but stores nothing")
    rig.run(Load(pace=Pace.EVEN, messages=2 * _RATE, rate=_RATE))
