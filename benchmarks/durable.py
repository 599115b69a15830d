"""What it costs that not even a power cut loses anything (`HUB_DURABLE=power`): the bus with and without waiting for
the disk, by the hub's own client, in batches as the intake makes them."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.part import Context, Details, Figure
from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from kit.supervision.nats import BUS_USER, NatsConfig, running_nats

READINGS_A_BATCH = 100
UNDER_WAY = 32
SYNC_INTERVALS = {"process": "1s", "power": "always"}


@dataclass(frozen=True)
class DurablePart:
    """For each setting: one batch after the other (time to its acknowledgement), then `UNDER_WAY` at once."""

    name: str = "durable"
    words: str = "what HUB_DURABLE=power costs the bus, on this machine's disk"

    def measure(self, context: Context) -> Details:
        seconds = 2.0 if context.is_quick else 10.0
        details: Details = {"seconds": seconds, "readings_a_batch": READINGS_A_BATCH, "under_way": UNDER_WAY}
        for setting, sync_interval in SYNC_INTERVALS.items():
            context.say(f"the bus with HUB_DURABLE={setting}, {2 * seconds:.0f} s")
            details[setting] = asyncio.run(_measure(context, setting, sync_interval=sync_interval, seconds=seconds))
        return details

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        found = []
        for setting in SYNC_INTERVALS:
            measured = details[setting]
            found += [
                Figure(
                    name=f"durable.{setting}.readings_per_s", words="readings/s acknowledged, 32 batches under way",
                    column=setting, value=measured["readings_per_s"],
                ),
                Figure(
                    name=f"durable.{setting}.p50_ms", words="a lone batch's acknowledgement, p50", column=setting,
                    value=measured["p50_ms"], unit="ms",
                ),
                Figure(
                    name=f"durable.{setting}.p99_ms", words="a lone batch's acknowledgement, p99", column=setting,
                    value=measured["p99_ms"], unit="ms",
                ),
            ]  # fmt: skip
        return found


async def _measure(context: Context, setting: str, *, sync_interval: str, seconds: float) -> Details:
    config = NatsConfig(bus_password="bench", mqtt_password="bench", sync_interval=sync_interval)  # noqa: S106
    async with (
        running_nats(context.folder / f"durable-{setting}", config) as server,
        Bus(BusSettings(server.url, BUS_USER, config.bus_password)) as bus,
    ):
        alone_ms = await _alone(bus, seconds=seconds)
        batches = await _together(bus, seconds=seconds)
    cuts = statistics.quantiles(alone_ms, n=100)
    return {
        "readings_per_s": round(batches * READINGS_A_BATCH / seconds),
        "p50_ms": round(cuts[49], 3),
        "p99_ms": round(cuts[98], 3),
    }


async def _alone(bus: Bus, *, seconds: float) -> list[float]:
    """Milliseconds to each acknowledgement."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        await bus.publish(1, _batch(len(taken)))
        taken.append((time.monotonic() - began) * 1000)
    return taken


async def _together(bus: Bus, *, seconds: float) -> int:
    """How many batches were acknowledged in that time."""
    until, done = time.monotonic() + seconds, 0

    async def publish(partition: int) -> None:
        nonlocal done
        while time.monotonic() < until:
            await bus.publish(partition, _batch(done))
            done += 1

    await asyncio.gather(*(publish(number % 8) for number in range(UNDER_WAY)))
    return done


def _batch(number: int) -> ReadingBatch:
    first_ms = 1_700_000_000_000 + number
    return ReadingBatch.of([Reading(point, first_ms, 20.0) for point in range(READINGS_A_BATCH)])
