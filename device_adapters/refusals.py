"""What could not become a reading, on its way to PostgreSQL: batched, bounded, never in the way of readings."""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.db import Database
from kit.logs import logger

log = logger(__name__)

# What waits here is not acknowledged to its sender, and a broker has only so many messages under way to us at a time
# (nats-server 1,024): refused ones must never fill them all, or the readings behind them would wait for PostgreSQL.
WAITING_LIMIT = 400
# Of one flood, between two writes: this many samples of a device, and this many letters of a reason, are worth a place.
SAMPLES_A_DEVICE = 20
LETTERS_A_REASON = 100
RETRY_S = 1.0
# In a flood the next write waits so many times as long as the last one took: a tenth of PostgreSQL's time, no more.
FLOOD_PAUSE = 9.0
LONGEST_PAUSE_S = 5.0

Done = Callable[[], None]
_Kind = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a device the catalog does not know. `site_code` is "" where the topic names no site."""

    protocol: str
    broker: str
    site_code: str
    external_id: str
    topic: str
    payload: bytes


class Discovery(Protocol):
    """The part of `catalog.discovery.Discovery` that takes notes."""

    async def note(
        self,
        session: AsyncSession,
        *,
        protocol: str,
        broker: str,
        site_code: str,
        external_id: str,
        topic: str,
        payload: bytes,
        received_at: datetime,
    ) -> object: ...


class DeadLetters(Protocol):
    """The part of `catalog.dead_letters.DeadLetters` that takes letters."""

    async def add(
        self,
        session: AsyncSession,
        *,
        raw: bytes,
        reason: str,
        detail: str,
        source: str,
        site_id: UUID | None = None,
        received_at: datetime,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _Letter:
    raw: bytes
    reason: StrEnum
    detail: str
    source: str
    site_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Item:
    what: UnknownMessage | _Letter
    received_at: datetime
    done: Done | None


class RefusalLine:
    """Takes refusals at any speed and writes them in transactions of its own. Run `run()` beside the adapters.

    A flood costs little: between two writes a few of each kind are kept, the rest is only counted, and its senders are
    let go at once. `hub_refusals_dropped` says how much was only counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        discovery: Discovery,
        dead_letters: DeadLetters,
        clock: Clock,
        registry: CollectorRegistry | None = None,
    ) -> None:
        registry = registry or CollectorRegistry()
        self._database = database
        self._discovery = discovery
        self._dead_letters = dead_letters
        self._clock = clock
        self._waiting: list[_Item] = []
        self._of_kind: Tally[_Kind] = Tally()
        self._is_flooded = False
        self._arrived = asyncio.Event()
        self._refused = Counter("hub_intake_refused", "Input refused by reason", ["reason"], registry=registry)
        self._unknown = Counter("hub_intake_unknown_device", "Messages of unknown devices", registry=registry)
        dropped = Counter(
            "hub_refusals_dropped", "Refused input only counted, for lack of room", ["kind"], registry=registry
        )
        self._dropped_samples = dropped.labels("sample")
        self._dropped_letters = dropped.labels("letter")

    def unknown(self, message: UnknownMessage, *, done: Done | None = None) -> None:
        self._unknown.inc()
        kind = (message.broker, message.site_code, message.external_id)
        if self._has_room(kind, SAMPLES_A_DEVICE):
            self._push(kind, _Item(message, self._clock.now(), done))
        else:
            _count(self._dropped_samples, done)

    def refuse(
        self,
        *,
        raw: bytes,
        reason: StrEnum,
        detail: str,
        source: str,
        site_id: UUID | None = None,
        done: Done | None = None,
    ) -> None:
        self._refused.labels(reason.value).inc()
        kind = (reason.value, source)
        if self._has_room(kind, LETTERS_A_REASON):
            self._push(kind, _Item(_Letter(raw, reason, detail, source, site_id), self._clock.now(), done))
        else:
            _count(self._dropped_letters, done)

    async def run(self) -> None:
        """Writes until cancelled. While PostgreSQL is away, what waits stays waiting."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            items, self._waiting = self._waiting, []
            self._of_kind.clear()
            was_flooded, self._is_flooded = self._is_flooded, False
            started = self._clock.monotonic()
            await self._write_until_done(items)
            if was_flooded:
                took_s = self._clock.monotonic() - started
                await asyncio.sleep(min(LONGEST_PAUSE_S, FLOOD_PAUSE * took_s))

    def _has_room(self, kind: _Kind, most: int) -> bool:
        has_room = len(self._waiting) < WAITING_LIMIT and self._of_kind[kind] < most
        self._is_flooded = self._is_flooded or not has_room
        return has_room

    def _push(self, kind: _Kind, item: _Item) -> None:
        self._of_kind[kind] += 1
        self._waiting.append(item)
        self._arrived.set()

    async def _write_until_done(self, items: list[_Item]) -> None:
        failed = False
        while not await self._written(items):
            if not failed:
                log.error("refused input cannot be kept: is PostgreSQL up?", waiting=len(self._waiting) + len(items))
            failed = True
            await asyncio.sleep(RETRY_S)
        for item in items:
            if item.done is not None:
                item.done()

    async def _written(self, items: list[_Item]) -> bool:
        """False when PostgreSQL is away. What it will not have (a NUL in a name) is dropped, counted, logged."""
        try:
            await self._write(items)
        except (OperationalError, InterfaceError, OSError):
            return False
        except SQLAlchemyError as error:
            if len(items) > 1:
                return all([await self._written([item]) for item in items])
            log.warning("refused input cannot be written", error=repr(error))
            self._count_dropped(items[0])
        return True

    async def _write(self, items: Iterable[_Item]) -> None:
        async with self._database.transaction() as session:
            for item in items:
                match item.what:
                    case UnknownMessage() as message:
                        await self._discovery.note(
                            session,
                            protocol=message.protocol,
                            broker=message.broker,
                            site_code=message.site_code,
                            external_id=message.external_id,
                            topic=message.topic,
                            payload=message.payload,
                            received_at=item.received_at,
                        )
                    case _Letter() as letter:
                        await self._dead_letters.add(
                            session,
                            raw=letter.raw,
                            reason=letter.reason.value,
                            detail=letter.detail,
                            source=letter.source,
                            site_id=letter.site_id,
                            received_at=item.received_at,
                        )

    def _count_dropped(self, item: _Item) -> None:
        """Its `done` is called with the rest of its write."""
        _count(self._dropped_samples if isinstance(item.what, UnknownMessage) else self._dropped_letters, None)


def _count(dropped: Counter, done: Done | None) -> None:
    """Lets the sender go: what he sent is counted, and that is all that is kept of it."""
    dropped.inc()
    if done is not None:
        done()
