"""One process owns a DuckDB store: two of them, on two machines, would each keep half of the readings."""

import asyncio
from typing import Self

from bus.owner import OwnerGroup
from bus.sharing import WorkShare

NAME = "duckdb"
PATIENCE_S = 10.0
BEAT_S = 1.0


class SecondStore(RuntimeError):
    """Another process has the store role already."""

    def __init__(self) -> None:
        super().__init__(
            "another process already stores readings in a DuckDB folder, and only one may: stop it, leave the store "
            "role out here, or let several share a server with HUB_TELEMETRY_URL"
        )


class SingleStore:
    """Entered before the store is opened; `run` beside it, until cancelled. Raises SecondStore."""

    def __init__(self, database_url: str, *, owner: str) -> None:
        self._share = WorkShare(database_url, group=OwnerGroup.STORES, owner=owner)

    async def __aenter__(self) -> Self:
        await self._share.__aenter__()
        if not await self._share.take_alone(NAME, patience_s=PATIENCE_S):
            await self._share.__aexit__(None, None, None)
            raise SecondStore
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._share.__aexit__(*exc)

    async def run(self) -> None:
        """Shows that the store is looked after. Raises SecondStore when it had to be given up meanwhile."""
        while True:
            if NAME not in await self._share.settle([NAME]):
                raise SecondStore
            await asyncio.sleep(BEAT_S)
