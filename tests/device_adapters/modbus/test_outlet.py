import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from building.reading import Reading
from device_adapters.modbus.outlet import Entry, Outlet
from tests.device_adapters.modbus.bench import PROBE, equipment, until

P = equipment("P", PROBE, port=1)


class FailingIntake:
    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.taken: list[float] = []

    async def submit(self, entries: Sequence[Entry]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the bus is away")
        self.taken += [reading.value for _, readings in entries for reading in readings]


async def test_readings_wait_for_a_bus_that_is_away_and_keep_their_order() -> None:
    intake = FailingIntake(failures=1)
    outlet = Outlet(intake, registry=CollectorRegistry())
    for number in range(5):
        outlet.put(P, [Reading(1, number, float(number))])
    task = asyncio.create_task(outlet.run())
    await until(lambda: len(intake.taken) == 5)
    task.cancel()
    assert intake.taken == [0, 1, 2, 3, 4]


async def test_what_does_not_fit_is_dropped_oldest_first_and_counted() -> None:
    registry = CollectorRegistry()
    intake = FailingIntake(failures=0)
    outlet = Outlet(intake, registry=registry, capacity=3)
    for number in range(5):
        outlet.put(P, [Reading(1, number, float(number))])
    task = asyncio.create_task(outlet.run())
    await until(lambda: len(intake.taken) == 3)
    task.cancel()
    assert intake.taken == [2, 3, 4]
    assert registry.get_sample_value("hub_modbus_dropped_readings_total") == 2
