"""One ClickHouse server (any of a cluster) through `clickhouse-connect`; blocking, so in threads."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import clickhouse_connect
import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from telemetry.engine_url import ClickHouseUrl
from telemetry.errors import QueryTooSlow, StoreRefused, StoreUnreachable

T = TypeVar("T")
Columns = Mapping[str, "np.ndarray[Any, Any]"]

CONNECT_WITHIN_S = 5
WRITE_DEADLINE_S = 30.0
# What a query may take beyond its deadline before we no longer wait for the server to end it.
GRACE_S = 5.0

_AUTHENTICATION_FAILED, _REQUIRED_PASSWORD, _ACCESS_DENIED = 516, 194, 497
_NOT_THERE = (60, 81, 701)  # table, database, cluster
_TOO_SLOW = (159, 160)


class ClickHouseConnection:
    """Connects when first asked. `close` when done."""

    def __init__(self, url: ClickHouseUrl, *, query_deadline_s: float) -> None:
        self._url = url
        self._query_deadline_s = query_deadline_s
        self._client: Any = None
        self._connecting = asyncio.Lock()

    @property
    def name(self) -> str:
        """Which server and database, for messages; never an account."""
        return f"ClickHouse at {self._url.address.host}:{self._url.address.port}, database {self._url.database}"

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)
            self._client = None

    async def command(self, sql: str, *, settings: Mapping[str, Any] | None = None) -> str:
        """Raises StoreRefused, StoreUnreachable, TimeoutError."""
        return str(await self._call(WRITE_DEADLINE_S, lambda client: client.command(sql, settings=settings)))

    async def insert(self, table: str, columns: Columns, *, settings: Mapping[str, Any]) -> None:
        """Columns by name, in one block. Raises StoreRefused, StoreUnreachable, TimeoutError."""
        rows, database = pa.table(dict(columns)), self._url.database

        def insert(client: Any) -> None:
            client.insert_arrow(table, rows, database=database, settings=dict(settings))

        await self._call(WRITE_DEADLINE_S, insert)

    async def query(self, sql: str, *, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer's columns as numpy arrays. Raises QueryTooSlow, StoreRefused, StoreUnreachable."""
        limited = {"max_execution_time": self._query_deadline_s, **(settings or {})}

        def ask(client: Any) -> pa.Table:
            return client.query_arrow(sql, settings=limited)

        try:
            answer = await self._call(self._query_deadline_s + GRACE_S, ask)
        except TimeoutError:
            raise QueryTooSlow(deadline_s=self._query_deadline_s) from None
        return {name: answer.column(name).to_numpy() for name in answer.column_names}

    async def _call(self, deadline_s: float, call: Callable[[Any], T]) -> T:
        """A thread cannot be stopped: the client's own deadlines end it soon after nobody waits any more."""
        with self.told_apart():
            async with asyncio.timeout(deadline_s):
                client = await self._connected()
                return await asyncio.to_thread(call, client)

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(self._connect)
            return self._client

    def _connect(self) -> Any:
        address = self._url.address
        return clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=self._url.user,
            password=self._url.secret,
            secure=address.tls,
            ca_cert=str(address.ca_file) if address.ca_file else None,
            connect_timeout=CONNECT_WITHIN_S,
            send_receive_timeout=int(max(WRITE_DEADLINE_S, self._query_deadline_s + GRACE_S)),
            client_name="zhiwu-hub",
            # Several threads share the client: a session would let them in one by one.
            autogenerate_session_id=False,
        )

    @contextmanager
    def told_apart(self) -> Iterator[None]:
        try:
            yield
        except ClickHouseError as error:
            raise self._meaning(error) from error
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise StoreUnreachable(f"{self.name} does not answer: {type(error).__name__}") from error

    def _meaning(self, error: ClickHouseError) -> Exception:
        code = getattr(error, "code", None)
        said = str(error).strip()[:500]
        if code is None and isinstance(error, OperationalError):
            return StoreUnreachable(f"{self.name} does not answer: start it, or correct HUB_TELEMETRY_URL")
        if code in _TOO_SLOW:
            return QueryTooSlow(deadline_s=self._query_deadline_s)
        if code in (_AUTHENTICATION_FAILED, _REQUIRED_PASSWORD):
            return StoreRefused(f"{self.name} refuses the account in HUB_TELEMETRY_URL")
        if code == _ACCESS_DENIED:
            return StoreRefused(f"{self.name} does not let the account in HUB_TELEMETRY_URL do this: {said}")
        if code in _NOT_THERE:
            return StoreRefused(f"{self.name} lacks something: {said}")
        return StoreUnreachable(f"{self.name} failed: {said}")
