"""Periodic upkeep of the store, in the process that owns it: compaction of closed days, then retention."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge

from kit.cancellation import raise_if_cancelled
from kit.clock import Clock, to_ms
from kit.logs import logger
from telemetry.buckets import DAY_MS
from telemetry.store import TelemetryStore

log = logger(__name__)


class TelemetryUpkeep:
    """`run` until cancelled. A round that fails is logged and counted; the next one tries again."""

    def __init__(
        self,
        *,
        store: TelemetryStore,
        clock: Clock,
        retention_days: int,
        interval_s: float,
        registry: CollectorRegistry,
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention_days = retention_days
        self._interval_s = interval_s
        self._failures = Counter("hub_store_upkeep_failures", "Upkeep rounds that failed", registry=registry)
        self._bytes = Gauge("hub_store_bytes", "Bytes of readings on disk", registry=registry)
        self._rows = Gauge("hub_store_rows", "Readings kept", ["where"], registry=registry)

    async def run(self) -> None:
        while True:
            try:
                await self.once()
            except Exception:  # a full disk today must not end upkeep for good
                self._failures.inc()
                log.exception("upkeep of the telemetry store failed")
            raise_if_cancelled()
            await asyncio.sleep(self._interval_s)

    async def once(self) -> None:
        await self._store.drop_before(to_ms(self._clock.now()) - self._retention_days * DAY_MS)
        await self._store.compact()
        stats = await self._store.stats()
        if stats.bytes is not None:
            self._bytes.set(stats.bytes)
        if stats.recent_rows is not None:
            self._rows.labels("recent").set(stats.recent_rows)
        self._rows.labels("segments").set(stats.segment_rows)
