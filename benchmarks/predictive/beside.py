"""What alarms lose when models look at the same readings: two hubs, one with, one without, phases in turn."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from benchmarks.broker import running_mosquitto
from benchmarks.line import hub_subject
from benchmarks.line.publisher import Pace
from benchmarks.line.rig import Load, Rig, running_rig
from benchmarks.line.subject import Place
from benchmarks.line.workload import Fleet
from benchmarks.part import Context, Details, PartUnavailable
from catalog.directory import EquipmentEntry
from catalog.loader import load_directory
from hub.infrastructure import beside
from kit.clock import SystemClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.secrets import SecretStore
from predictive.detectors.contract import Arrays, Window, taken
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.shape import Shape, shape_of
from predictive.training.card import Draft, Family
from predictive.training.packing import pack_arrays
from predictive.training.store import ModelStore

RATE: Final = 1_000
DEVICES: Final = 2_000
# Models have been loaded and have looked at rows after so long.
SETTLED_S: Final = 75.0
_PATIENCE_S: Final = (4.0, 15.0, 30.0)
_LEARNT_ROWS: Final = 3 * 1_440
_OFF: Final = {"HUB_PREDICTIVE_ENABLED": "false"}
_ON: Final = {"HUB_PREDICTIVE_START_AFTER_S": "0"}


def alarms_beside_models(context: Context) -> Details:
    """p50 and p99 of alarms in ms, a phase each, without and with models, and the processes' CPU."""
    seconds, rounds = (10, 1) if context.is_quick else (30, 3)
    found: dict[str, list[dict[str, float]]] = {"off": [], "on": []}
    for number in range(rounds):
        for name, extra in (("off", _OFF), ("on", _ON)):
            context.say(f"round {number + 1}: models {name}")
            found[name] += _phases(context.folder / f"{name}-{number}", extra, seconds=seconds)
    return {"beside": found, "rate": RATE, "devices": DEVICES}


def _phases(folder: Path, extra: dict[str, str], *, seconds: int) -> list[dict[str, float]]:
    folder.mkdir(parents=True)
    with running_mosquitto(folder / "mosquitto") as broker:
        place = Place(folder, broker, Fleet(DEVICES))
        with running_rig(hub_subject.subject(extra), place) as rig:
            hello = [Load(pace=Pace.BURST, messages=DEVICES, done_within_s=patience) for patience in _PATIENCE_S]
            if not any(rig.run(load).is_done for load in hello):
                raise PartUnavailable("the hub started but stores nothing")
            hub = rig.subject
            assert isinstance(hub, hub_subject.RunningHub)
            asyncio.run(_teach(hub))
            # Both have run for as long when it counts; half a minute of it under load.
            begun = time.monotonic()
            rig.run(_load(30))
            time.sleep(max(0.0, SETTLED_S - (time.monotonic() - begun)))
            return [_phase(rig, seconds) for _ in range(2)]


def _phase(rig: Rig, seconds: int) -> dict[str, float]:
    outcome = rig.run(_load(seconds))
    p50, p99 = np.percentile(outcome.latencies_ms, (50, 99))
    return {
        "p50_ms": float(p50), "p99_ms": float(p99), "alarms": len(outcome.latencies_ms),
        "cpu_s": outcome.cpu.total_s, "others_share": outcome.others_share,
        "memory_mb": sum(outcome.memory.peak.values()),
    }  # fmt: skip


def _load(seconds: int) -> Load:
    return Load(pace=Pace.EVEN, messages=RATE * seconds, rate=RATE, memory_every_s=10.0)


async def _teach(hub: hub_subject.RunningHub) -> None:
    """Gives every device a model, learnt from values as they are published."""
    secrets = SecretStore(hub.settings.var / "secrets.json")
    async with Database(beside(hub.settings, secrets).database_url) as database:
        database.use_outbox(RecordingOutbox())
        async with database.transaction() as session:
            entries = (await load_directory(session)).entries
            by_subject: dict[str, list[tuple[EquipmentEntry, Shape]]] = {}
            for entry in entries:
                if (shape := shape_of(entry)) is not None:
                    by_subject.setdefault(shape.subject, []).append((entry, shape))
            store = ModelStore(secret=secrets.get("model_secret"), clock=SystemClock())
            for subject, some in by_subject.items():
                await store.save(session, _draft(subject, [entry for entry, _ in some], some[0][1]))


def _draft(subject: str, entries: Sequence[EquipmentEntry], shape: Shape) -> Draft:
    now = datetime.now(UTC)
    arrays = taken(_model(shape), np.zeros(len(entries), np.int64))
    equipment_ids: list[UUID] = [entry.equipment_id for entry in entries]
    return Draft(
        site_id=entries[0].site_id, family=Family.DETECTORS, subject=subject, packed=pack_arrays(arrays),
        data_from=now - timedelta(days=3), data_until=now, equipment_ids=equipment_ids, points=shape.point_keys,
        step_s=shape.step_s,
    )  # fmt: skip


def _model(shape: Shape) -> Arrays:
    chance = np.random.default_rng(1)
    values = chance.uniform(10.0, 50.0, size=(1, _LEARNT_ROWS, len(shape.point_keys)))
    ts_ms = np.arange(_LEARNT_ROWS, dtype=np.int64)[None] * shape.step_ms
    return dict(Ensemble().calibrate(Window(ts_ms, values, shape.step_s)))
