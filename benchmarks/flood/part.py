"""Healthy devices beside a flood of malformed messages, and smoke behind a backlog, as a part of the bench."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.broker import PANEL, PLATFORM, Mosquitto, running_mosquitto
from benchmarks.flood.figures import COLUMNS, flood_figures
from benchmarks.flood.flooder import message, pile_up, telemetry
from benchmarks.flood.storm import Beside, run_beside
from benchmarks.line import hub_subject
from benchmarks.line.packets import acknowledgement, connected, subscribe
from benchmarks.line.publisher import Pace
from benchmarks.line.rig import Load, Rig, running_rig
from benchmarks.line.subject import Place
from benchmarks.line.workload import Fleet
from benchmarks.part import Aim, Context, Details, Figure, PartUnavailable

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
        seconds, rounds = (5, 1) if context.is_quick else (20, 3)
        load = Load(pace=Pace.EVEN, messages=_RATE * seconds, rate=_RATE, memory_every_s=5.0)
        with running_mosquitto(folder / "mosquitto") as broker:
            subject, place = hub_subject.subject(), Place(folder, broker, Fleet(_HEALTHY))
            with running_rig(subject, place) as rig:
                _warm_up(rig)
                found = [self._round(rig, load, context, number) for number in range(1, rounds + 1)]
                context.say(f"smoke behind {self.backlog:,} ordinary messages")
                smoke_s = self._smoke(rig, broker, place)
        return {"rounds": found, "cores": os.cpu_count() or 1, "smoke_s": smoke_s, "backlog": self.backlog}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        smoke = Figure(
            name="flood.smoke", words=f"smoke behind {details['backlog']:,} messages: alarm on MQTT",
            value=details["smoke_s"], unit="s", aim=Aim(at_most=1), column=COLUMNS[Beside.NOTHING],
        )  # fmt: skip
        return [*flood_figures(details, rate=self.flood_rate), smoke]

    def _round(self, rig: Rig, load: Load, context: Context, number: int) -> dict[str, Any]:
        """Each kind of company one after the other, so that a slow minute of the machine is nobody's alone."""
        found = {}
        for beside in Beside:
            context.say(f"round {number}: {COLUMNS[beside]}")
            found[beside.value] = run_beside(rig, load, beside, rate=self.flood_rate)
        return found

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


def _warm_up(rig: Rig) -> None:
    """Raises PartUnavailable when nothing arrives."""
    hello = [Load(pace=Pace.BURST, messages=rig.fleet.devices, done_within_s=seconds) for seconds in _PATIENCE_S]
    if not any(rig.run(load).is_done for load in hello):
        raise PartUnavailable("the hub started but stores nothing")
    rig.run(Load(pace=Pace.EVEN, messages=2 * _RATE, rate=_RATE))
