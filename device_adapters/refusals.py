"""What could not become a reading, on its way to PostgreSQL: batched, bounded, never in the way of readings."""

import asyncio
from collections import Counter as Tally
from collections import deque
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

WAITING_LIMIT = 10_000
WRITE_AT_ONCE = 500
# Of one flood in one write: this many samples of a device, and this many letters of a reason, are worth their place.
SAMPLES_A_DEVICE = 20
LETTERS_A_REASON = 100
RETRY_S = 1.0

Done = Callable[[], None]


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

    A flood is thinned out and counted rather than let grow: `hub_refusals_dropped` says how much of it was not kept.
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
        self._waiting: deque[_Item] = deque()
        self._arrived = asyncio.Event()
        self._refused = Counter("hub_intake_refused", "Input refused by reason", ["reason"], registry=registry)
        self._unknown = Counter("hub_intake_unknown_device", "Messages of unknown devices", registry=registry)
        self._dropped = Counter(
            "hub_refusals_dropped", "Refused input not kept for lack of room", ["kind"], registry=registry
        )

    def unknown(self, message: UnknownMessage, *, done: Done | None = None) -> None:
        self._unknown.inc()
        self._push(_Item(message, self._clock.now(), done))

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
        self._push(_Item(_Letter(raw, reason, detail, source, site_id), self._clock.now(), done))

    async def run(self) -> None:
        """Writes until cancelled. While PostgreSQL is away, what waits stays waiting."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                items = [self._waiting.popleft() for _ in range(min(WRITE_AT_ONCE, len(self._waiting)))]
                await self._write_until_done(items)

    def _push(self, item: _Item) -> None:
        if len(self._waiting) >= WAITING_LIMIT:
            self._count_dropped(item)
            if item.done is not None:
                item.done()
            return
        self._waiting.append(item)
        self._arrived.set()

    async def _write_until_done(self, items: list[_Item]) -> None:
        kept = self._thin_out(items)
        failed = False
        while not await self._written(kept):
            if not failed:
                log.error("refused input cannot be kept: is PostgreSQL up?", waiting=len(self._waiting) + len(kept))
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

    def _thin_out(self, items: list[_Item]) -> list[_Item]:
        """The newest of each device and each reason, in the order they came."""
        seen: Tally[tuple[str, ...]] = Tally()
        kept: list[_Item] = []
        for item in reversed(items):
            key, limit = _kind_of(item)
            seen[key] += 1
            if seen[key] <= limit:
                kept.append(item)
            else:
                self._count_dropped(item)
        return kept[::-1]

    def _count_dropped(self, item: _Item) -> None:
        self._dropped.labels("sample" if isinstance(item.what, UnknownMessage) else "letter").inc()


def _kind_of(item: _Item) -> tuple[tuple[str, ...], int]:
    what = item.what
    if isinstance(what, UnknownMessage):
        return (what.broker, what.site_code, what.external_id), SAMPLES_A_DEVICE
    return (what.reason.value, what.source), LETTERS_A_REASON
