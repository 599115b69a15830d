"""One InfluxDB server over HTTP: InfluxQL asked, line protocol written, refusals told apart.

Reads are InfluxQL at `/query`, which 1.x, 2.x and 3.x all serve. Writes are `/write` for 1.x and `influxdb-client` (API
v2) for 2.x and 3.x.
"""

# ruff: noqa: S608 - InfluxQL has no parameters; what goes into its text is numbers of ours and a checked name

import asyncio
import gzip
import ssl
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self

import httpx
import msgspec

from telemetry.engine_url import InfluxUrl
from telemetry.errors import QueryTooSlow, StoreRefused, StoreUnreachable, UnstorableBatch
from telemetry.influx_lines import MEASUREMENT, NS_A_MS

WRITE_DEADLINE_S = 20.0
FAST_GZIP = 1
_UNDECIDED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class ResultSeries(msgspec.Struct, frozen=True):
    """Rows of one group, or some of them; `tags` are those the query groups by."""

    columns: list[str]
    values: list[list[Any]]
    tags: dict[str, str] = {}


class Result(msgspec.Struct, frozen=True):
    """What one statement was answered with: series, several of a group that is long; or why not."""

    statement_id: int = 0
    series: list[ResultSeries] = []
    error: str = ""

    @property
    def rows(self) -> list[list[Any]]:
        """The rows of all series."""
        if len(self.series) == 1:
            return self.series[0].values
        return [row for series in self.series for row in series.values]


class _Answer(msgspec.Struct, frozen=True):
    results: list[Result] = []
    error: str = ""


class LineWriter(Protocol):
    """What differs between InfluxDB 1 and its successors."""

    async def write(self, body: bytes) -> None:
        """Sends one body of line protocol; when it returns the server has it in its write-ahead log."""
        ...

    async def delete_before(self, ts_ms: int) -> None: ...


class InfluxConnection:
    """`async with` opens and closes; no server is asked yet."""

    def __init__(self, url: InfluxUrl, *, query_deadline_s: float) -> None:
        self._url = url
        self._query_deadline_s = query_deadline_s
        # In chunks, a line each: an answer in one piece may be cut short by the server, and 1.x does not say so.
        self._asked = {"db": url.database, "epoch": "ms", "chunked": "true"}
        self._stack = AsyncExitStack()
        self._http: httpx.AsyncClient
        self._writer: LineWriter

    @property
    def name(self) -> str:
        """Which server and database, for messages; never an account."""
        return f"InfluxDB at {self._url.address.host}:{self._url.address.port}, database {self._url.database}"

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(_http_client(self._url))
        if self._url.version == 1:
            self._writer = _WriterV1(self)
        else:
            from telemetry.influx_v2 import WriterV2

            self._writer = await self._stack.enter_async_context(WriterV2(self._url, self.name))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def write(self, body: bytes) -> None:
        """Raises UnstorableBatch when the lines are the reason, StoreRefused or StoreUnreachable otherwise."""
        await self._writer.write(body)

    async def delete_before(self, ts_ms: int) -> None:
        """Raises QueryTooSlow, StoreRefused, StoreUnreachable."""
        await self._writer.delete_before(ts_ms)

    async def create_database(self) -> None:
        """Where the account may; where it may not, whoever writes or asks is told when the database is missing."""
        try:
            await self.ask(f"CREATE DATABASE {_quoted(self._url.database)}")
        except _NotAllowed:
            return

    async def ask(self, *statements: str) -> list[Result]:
        """A result a statement, times in milliseconds. Raises QueryTooSlow, StoreRefused, StoreUnreachable."""
        try:
            async with asyncio.timeout(self._query_deadline_s):
                response = await self._http.post("/query", params=self._asked, data={"q": ";".join(statements)})
        except TimeoutError:
            raise QueryTooSlow(deadline_s=self._query_deadline_s) from None
        except httpx.HTTPError as error:
            raise StoreUnreachable(
                f"{self.name} does not answer ({type(error).__name__}): start it, or correct HUB_TELEMETRY_URL"
            ) from error
        return self._results(response, count=len(statements))

    async def post_lines(self, body: bytes) -> None:
        """`/write`, as InfluxDB 1.x takes it."""
        try:
            response = await self._posted(await asyncio.to_thread(gzip.compress, body, FAST_GZIP))
        except httpx.HTTPError as error:
            raise StoreUnreachable(f"{self.name} does not take readings: {type(error).__name__}") from error
        if not response.is_success:
            raise refusal(response.status_code, response.text, name=self.name)

    async def _posted(self, body: bytes) -> httpx.Response:
        async def once() -> httpx.Response:
            return await self._http.post(
                "/write",
                params={"db": self._url.database, "precision": "ns"},
                content=body,
                headers={"Content-Encoding": "gzip"},
                timeout=WRITE_DEADLINE_S,
            )

        try:
            return await once()
        except _UNDECIDED:
            # A connection kept open that the server had closed: writing again changes nothing if it was kept already.
            return await once()

    def _results(self, response: httpx.Response, *, count: int) -> list[Result]:
        if response.status_code != httpx.codes.OK:
            raise refusal(response.status_code, response.text, name=self.name)
        series: list[list[ResultSeries]] = [[] for _ in range(count)]
        for line in response.content.splitlines():
            answer = msgspec.json.decode(line, type=_Answer)
            words = answer.error or next((result.error for result in answer.results if result.error), "")
            if words:
                raise _query_refusal(words, name=self.name)
            for result in answer.results:
                series[result.statement_id] += result.series
        return [Result(number, found) for number, found in enumerate(series)]


class _NotAllowed(StoreRefused):
    """The account is right, and may not do this."""


class _WriterV1:
    """InfluxDB 1.x."""

    def __init__(self, server: InfluxConnection) -> None:
        self._server = server

    async def write(self, body: bytes) -> None:
        await self._server.post_lines(body)

    async def delete_before(self, ts_ms: int) -> None:
        await self._server.ask(f"DELETE FROM {MEASUREMENT} WHERE time < {ts_ms * NS_A_MS}")


def refusal(status: int, words: str, *, name: str) -> Exception:
    """What a status other than success means for the readings that were sent, or for the question."""
    said = words.strip()[:500]
    lower = said.lower()
    match status:
        case 400 | 422 if "retention policy" in lower:
            return UnstorableBatch(f"{name} keeps nothing as old as this: {said}")
        case 400 | 422 if _any_of(lower, "field type conflict", "column type", "limit exceeded", "max-"):
            return StoreRefused(
                f"{name}: {said}. Give the hub a database of its own, with max-values-per-tag = 0 and "
                "max-series-per-database = 0"
            )
        case 400 | 422 if _any_of(lower, "partial write", "unable to parse", "line protocol"):
            return UnstorableBatch(f"{name} cannot take it: {said}")
        case 403:
            return _NotAllowed(f"{name} does not let the account in HUB_TELEMETRY_URL do this: {said}")
        case 401:
            return StoreRefused(f"{name} refuses the account in HUB_TELEMETRY_URL: {said}")
        case 404:
            return StoreRefused(f"{name} is not there: create it, or correct HUB_TELEMETRY_URL ({said})")
        case 413:
            return StoreRefused(f"{name} takes no bodies of this size: set max-body-size = 0 in its configuration")
        case _:
            return StoreUnreachable(f"{name} answers {status}: {said}")


def _query_refusal(words: str, *, name: str) -> Exception:
    if "database not found" in words or "bucket not found" in words:
        return StoreRefused(f"{name} is not there: create it (in 2.x a bucket with a DBRP mapping of the same name)")
    return StoreRefused(f"{name}: {words[:500]}")


def _any_of(words: str, *parts: str) -> bool:
    return any(part in words for part in parts)


def _http_client(url: InfluxUrl) -> httpx.AsyncClient:
    verify: ssl.SSLContext | bool = True
    if url.address.ca_file is not None:
        verify = ssl.create_default_context(cafile=url.address.ca_file)
    headers = {"Accept": "application/json"}
    if url.version > 1 and url.secret:
        headers["Authorization"] = f"Token {url.secret}"
    return httpx.AsyncClient(
        base_url=url.address.url,
        headers=headers,
        auth=(url.user, url.secret) if url.version == 1 and url.user else None,
        verify=verify,
        timeout=httpx.Timeout(None, connect=5.0),
        limits=httpx.Limits(max_connections=16),
        # The address is the one that was given: no proxy of the environment in between.
        trust_env=False,
    )


def _quoted(name: str) -> str:
    """A database's name in InfluxQL."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
