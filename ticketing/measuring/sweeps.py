"""Measures of orders kept up: those that changed are taken anew, so that few are when figures are asked."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.sweeps import Sweep
from ticketing.measuring import repository

EVERY_TWENTY_SECONDS = "* * * * * */20"
# Taken in some seconds; a million, when a hub is brought up to date, in a quarter of an hour.
ENTRIES_A_TURN = 20_000


def sweep() -> Sweep:
    return Sweep("ticketing.measure", EVERY_TWENTY_SECONDS, measure)


async def measure(session: AsyncSession) -> None:
    await repository.take(session, limit=ENTRIES_A_TURN)
