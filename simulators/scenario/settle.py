"""A clean start: what earlier runs left at a device (faults, alarms, open orders) is ended through the API."""

import asyncio

from simulators.errors import ScenarioCannotGoOn
from simulators.scenario.hub import Doors

NOTE = "scenario"
CALM_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5


async def settle(doors: Doors, device: str) -> None:
    """Returns when no alarm of the device is active and no order open. Raises ScenarioCannotGoOn after a minute."""
    await doors.end_faults(device)
    for order in await doors.open_orders(device):
        await doors.end_order(order, NOTE)
    try:
        async with asyncio.timeout(CALM_WITHIN_S):
            await _calm(doors, device)
    except TimeoutError:
        raise ScenarioCannotGoOn(f"{device}: an alarm of an earlier run does not end") from None


async def _calm(doors: Doors, device: str) -> None:
    while alarms := await doors.unsettled_alarms(device):
        for alarm in alarms:
            if alarm["state"] in ("UNACKED", "RTN_UNACKED"):
                await doors.acknowledge(str(alarm["id"]), NOTE)
        await asyncio.sleep(LOOK_EVERY_S)
