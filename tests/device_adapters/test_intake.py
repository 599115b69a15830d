"""Readings on their way to the bus: company, back-pressure, life safety first."""

import asyncio
import time
from collections.abc import Sequence
from unittest import mock

import pytest
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from device_adapters import intake as intake_module
from device_adapters.intake import Intake
from device_adapters.refusals import RefusalLine
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import equipment

LIFT = equipment("gb24476-elevator", "LIFT-06", first_point=1, partition=3)
METER = equipment("nbiot-water-meter", "WM-1", first_point=100, partition=5)
FLOOR, TRAPPED = LIFT.points["floor"].point_no, LIFT.points["passenger_trapped"].point_no
VOLUME = METER.points["volume_m3"].point_no


class RecordingBus:
    """Keeps what was published; takes nothing ordinary while `closed`."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, bool, ReadingBatch]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def publish_all(self, batches: Sequence[tuple[int, ReadingBatch]], *, life_safety: bool = False) -> list[int]:
        if not life_safety:
            await self.open.wait()
        self.taken += [(partition, life_safety, batch) for partition, batch in batches]
        return [len(self.taken)] * len(batches)


def new_intake(bus: RecordingBus, registry: CollectorRegistry | None = None) -> Intake:
    return Intake(bus, mock.create_autospec(RefusalLine), registry=registry or CollectorRegistry())


async def test_readings_are_grouped_by_partition_and_life_safety_apart() -> None:
    bus = RecordingBus()
    async with new_intake(bus) as intake:
        await intake.submit(
            [(LIFT, [Reading(FLOOR, 1, 1.0), Reading(TRAPPED, 1, 1.0)]), (METER, [Reading(VOLUME, 1, 0.0)])]
        )
    seen = {(partition, urgent): batch.point_no.tolist() for partition, urgent, batch in bus.taken}
    assert seen == {(3, False): [FLOOR], (3, True): [TRAPPED], (5, False): [VOLUME]}


async def test_many_at_once_share_a_batch_and_each_waits_for_the_bus() -> None:
    bus, registry = RecordingBus(), CollectorRegistry()
    bus.open.clear()
    async with new_intake(bus, registry) as intake:
        waiting = [asyncio.create_task(intake.submit([(LIFT, [Reading(FLOOR, n, 1.0)])])) for n in range(300)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in waiting)
        assert registry.get_sample_value("hub_intake_waiting_readings") == 300
        bus.open.set()
        await asyncio.wait_for(asyncio.gather(*waiting), LIVENESS_S)
    [(_, _, batch)] = bus.taken
    assert batch.ts_ms.tolist() == list(range(300))
    assert registry.get_sample_value("hub_intake_waiting_readings") == 0


async def test_life_safety_passes_a_bus_that_is_stuck() -> None:
    bus = RecordingBus()
    bus.open.clear()
    async with new_intake(bus) as intake:
        stuck = asyncio.create_task(intake.submit([(METER, [Reading(VOLUME, 1, 1.0)])]))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(intake.submit([(LIFT, [Reading(TRAPPED, 1, 1.0)])]), LIVENESS_S)
        assert [urgent for _, urgent, _ in bus.taken] == [True]
        bus.open.set()
        await stuck


async def test_too_much_under_way_makes_the_adapter_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "MAX_WAITING", 10)
    bus = RecordingBus()
    bus.open.clear()
    async with new_intake(bus) as intake:
        first = asyncio.create_task(intake.submit([(LIFT, [Reading(FLOOR, n, 1.0) for n in range(10)])]))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(intake.submit([(LIFT, [Reading(FLOOR, 99, 1.0)])]))
        await asyncio.sleep(0.1)
        bus.open.set()
        await asyncio.wait_for(asyncio.gather(first, second), LIVENESS_S)
    assert [len(batch) for _, _, batch in bus.taken] == [10, 1]


async def test_a_huge_message_is_cut_into_batches_the_bus_takes() -> None:
    bus = RecordingBus()
    async with new_intake(bus) as intake:
        await intake.submit([(LIFT, [Reading(FLOOR, n, 1.0) for n in range(25_000)])])
    assert [len(batch) for _, _, batch in bus.taken] == [10_000, 10_000, 5_000]


async def test_closing_does_not_wait_for_ever_for_a_bus_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "GOODBYE_S", 0.1)
    bus = RecordingBus()
    bus.open.clear()
    started = time.monotonic()
    async with new_intake(bus) as intake:
        submitting = asyncio.create_task(intake.submit([(LIFT, [Reading(FLOOR, 1, 1.0)])]))
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):  # never told "kept"
        await submitting
    assert time.monotonic() - started < LIVENESS_S
