"""The part of the bench that asks a store of 200 million readings while more are written."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from benchmarks.part import Aim, Context, Details, Figure
from benchmarks.processes import pss_mb
from benchmarks.telemetry.asking import LATE_AIM, LATE_WORDS, LATEST_POINTS, Asker, Timed, Writer, timed
from benchmarks.telemetry.year import FULL, YearPlan, make_year
from bus.client import Bus, BusSettings
from kit.clock import FakeClock, from_ms
from kit.supervision.nats import BUS_USER, NatsConfig, running_nats
from telemetry.buckets import DAY_MS
from telemetry.duckdb_store import DuckDbStore
from telemetry.remote import RemoteTelemetry, TelemetryServer

END_DAY = 20_779  # 2026-11-22: the year before it is made
_PAUSE_S = 0.01
_CACHE = Path("var") / "bench"
# What the store may hold unsorted at most: the last hours are asked at their slowest.
_FRESH = 5_900_000

# Name, words, how often it is asked, and the aim of its 99th percentile, ms.
_QUESTIONS: Mapping[str, tuple[str, int, float | None]] = {
    "closed_day": ("24 h of one point by the minute, any day of the year", 300, 50.0),
    "last_day": ("24 h of one point by the minute, up to now, as much unsorted as there may be", 200, 50.0),
    "week": ("a week of one point (automatic buckets)", 60, None),
    "year": ("the whole year of one point (automatic buckets)", 60, None),
    "newest": (f"newest value of {LATEST_POINTS:,} points", 200, 20.0),
    "newest_bus": (f"newest value of {LATEST_POINTS:,} points, asked over the bus", 200, 20.0),
}


@dataclass(frozen=True)
class QueriesPart:
    """Store queries on a generated year, which is made once and kept under var/bench."""

    name: str = "queries"
    words: str = "store queries on a generated year of 200 M readings, while 5,000 readings/s are written"

    def measure(self, context: Context) -> Details:
        plan = YearPlan(days=30 if context.is_quick else 365, end_day=END_DAY, seed=1, kinds=FULL)
        made = _CACHE / f"year-{plan.days}"
        context.say(f"a store of {plan.readings:,} readings in {made}, made now unless it is there")
        make_year(made, plan, say=context.say)
        folder = context.folder / "store"
        shutil.copytree(made, folder)  # what is written during the bench must not stay
        return asyncio.run(_ask(folder, context.folder / "nats", plan, share=5 if context.is_quick else 1))

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        found: list[Figure] = []
        for name, (words, _, aim) in _QUESTIONS.items():
            took = details["questions"].get(name)
            p99 = Aim(at_most=aim) if aim is not None else None
            for share, bound in (("p50", None), ("p99", p99)):
                value = took[share] if took else None
                found.append(
                    Figure(name=f"queries.{name}.{share}", words=f"{words}, {share}", value=value, unit="ms", aim=bound)
                )
        bytes_each = details["bytes"] / details["readings"]
        memory = "memory of the process that keeps the store"
        return [
            *found,
            Figure(
                name="queries.writer_late", words=LATE_WORDS, value=details["writer_late_s"], unit="s", aim=LATE_AIM
            ),
            Figure(name="queries.readings", words="readings in the store", value=details["readings"]),
            Figure(name="queries.bytes_a_reading", words="disk, hours included", value=bytes_each, unit="B/reading"),
            Figure(name="queries.memory", words=memory, value=details["pss_mb"], unit="MB"),
        ]  # fmt: skip


async def _ask(folder: Path, nats_folder: Path, plan: YearPlan, *, share: int) -> Details:
    today_ms = plan.end_day * DAY_MS
    async with (
        DuckDbStore(folder, clock=FakeClock(from_ms(today_ms + DAY_MS - 1))) as store,
        running_nats(nats_folder, NatsConfig(bus_password="bench", mqtt_password="bench")) as nats,  # noqa: S106
        Bus(BusSettings(nats.url, BUS_USER, "bench"), registry=CollectorRegistry()) as bus,
    ):
        before = await store.stats()
        writer = Writer(store, today_ms=today_ms + 1000)
        while writer.written < _FRESH:
            await writer.write(seconds=20)
        remote = RemoteTelemetry(bus)
        asker, over_bus = Asker(store, plan, seed=1), Asker(remote, plan, seed=1)
        questions = {
            "closed_day": asker.closed_day,
            "last_day": lambda: asker.last_day(writer.now_ms),
            "week": asker.week,
            "year": asker.year,
            "newest": asker.newest,
            "newest_bus": over_bus.newest,
        }
        beside = [
            asyncio.create_task(writer.run(), name="writer"),
            asyncio.create_task(TelemetryServer(bus=bus, store=store).run(), name="server"),
        ]
        await asyncio.sleep(0.5)
        took = {
            name: _summary(await timed(ask, times=max(20, _QUESTIONS[name][1] // share), pause_s=_PAUSE_S))
            for name, ask in questions.items()
        }
        memory = sum(pss_mb([os.getpid()]).values())
        for task in beside:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return {
            "plan": asdict(plan),
            "readings": before.segment_rows,
            "bytes": before.bytes,
            "written": writer.written,
            "writer_late_s": writer.late_s,
            "questions": took,
            "pss_mb": memory,
        }


def _summary(measured: Timed) -> dict[str, float]:
    return {
        "p50": measured.percentile(50),
        "p99": measured.percentile(99),
        "max": max(measured.took_ms),
        "rows": measured.rows / len(measured.took_ms),
    }
