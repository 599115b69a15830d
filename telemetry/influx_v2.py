"""Writing and forgetting through `influxdb-client`, for InfluxDB 2.x and 3.x. Blocking, so in a thread."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Self

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from kit.clock import from_ms
from telemetry.engine_url import InfluxUrl
from telemetry.errors import StoreUnreachable
from telemetry.influx_connection import WRITE_DEADLINE_S, refusal
from telemetry.influx_lines import MEASUREMENT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WriterV2:
    """API v2 of InfluxDB. `async with` opens and closes the client."""

    def __init__(self, url: InfluxUrl, name: str) -> None:
        self._url = url
        self._name = name
        self._client: Any = None

    async def __aenter__(self) -> Self:
        ca_file = self._url.address.ca_file
        self._client = InfluxDBClient(
            url=self._url.address.url,
            token=self._url.secret,
            org=self._url.org or "-",
            timeout=int(WRITE_DEADLINE_S * 1_000),
            enable_gzip=True,
            ssl_ca_cert=str(ca_file) if ca_file else None,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self._client.close)

    async def write(self, body: bytes) -> None:
        await self._call(self._write, body.decode())

    async def delete_before(self, ts_ms: int) -> None:
        """2.x only: 3.x forgets by the retention period of its database."""
        await self._call(self._delete, from_ms(ts_ms))

    def _write(self, lines: str) -> None:
        with self._client.write_api(write_options=SYNCHRONOUS) as api:
            api.write(bucket=self._url.database, record=lines, write_precision="ns")

    def _delete(self, end: datetime) -> None:
        predicate = f'_measurement="{MEASUREMENT}"'
        self._client.delete_api().delete(_EPOCH, end, predicate, bucket=self._url.database)

    async def _call(self, call: Any, argument: Any) -> None:
        try:
            await asyncio.to_thread(call, argument)
        except ApiException as error:
            raise refusal(error.status or 0, str(error.body or error.reason), name=self._name) from None
        except HTTPError as error:
            raise StoreUnreachable(f"{self._name} does not take readings: {type(error).__name__}") from error
