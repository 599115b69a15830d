"""What could not become a reading, on its way to PostgreSQL: batched, bounded, never in the way of readings."""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.views import NewLetter, Sample
from kit.clock import Clock
from kit.db import Database
from kit.ids import new_id
from kit.logs import logger

log = logger(__name__)

# What waits here is not acknowledged to its sender, and a broker has only so many messages under way to us at a time
# (nats-server 1,024): refused ones must never fill them all, or the readings behind them would wait for PostgreSQL.
WAITING_LIMIT = 400
# Worth a place: so many examples of one sender and reason within a window; of a reason and of devices that nobody
# knows, so many between two writes.
EXAMPLES_A_SENDER = 20
WINDOW_S = 60.0
LETTERS_A_REASON = 100
DEVICES_A_WRITE = 20
# Who invents names must not fill the memory; whoever is forgotten may give examples again.
SENDERS_KEPT = 10_000
RETRY_S = 1.0
# In a flood the next write waits so many times as long as the last one took: a tenth of PostgreSQL's time, no more.
FLOOD_PAUSE = 9.0
SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 5.0

Done = Callable[[], None]
_Device = tuple[str, str, str, str]
_Kind = tuple[StrEnum, str, str]
_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a device the catalog does not know. `site_code` is "" where the topic names no site."""

    protocol: str
    broker: str
    site_code: str
    external_id: str
    topic: str
    payload: bytes

    @property
    def device(self) -> tuple[str, str, str, str]:
        return self.protocol, self.broker, self.site_code, self.external_id


class Discovery(Protocol):
    """The part of `catalog.discovery.Discovery` that takes notes."""

    async def note_all(
        self,
        session: AsyncSession,
        *,
        protocol: str,
        broker: str,
        site_code: str,
        external_id: str,
        said: Sequence[Sample],
        times: int,
        heard_at: datetime,
    ) -> object: ...


class DeadLetters(Protocol):
    """The part of `catalog.dead_letters.DeadLetters` that takes letters."""

    async def add_all(
        self, session: AsyncSession, letters: Sequence[NewLetter], *, alike: Mapping[UUID, int]
    ) -> None: ...


@dataclass(slots=True)
class _Sender:
    """Who was refused for one reason, or is unknown: examples kept in this window, and what was only counted since the
    last write. `letter` is the last example's, if these are letters."""

    device: _Device | None = None
    letter: UUID | None = None
    kept: int = 0
    more: int = 0


@dataclass(slots=True)
class _Batch:
    """What goes to PostgreSQL in one transaction."""

    letters: list[NewLetter] = field(default_factory=list)
    alike: dict[UUID, int] = field(default_factory=dict)
    said: dict[_Device, list[Sample]] = field(default_factory=dict)
    times: dict[_Device, int] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)

    @property
    def examples(self) -> int:
        return len(self.letters) + sum(map(len, self.said.values()))

    def parts(self) -> "list[_Batch]":
        """One for each letter and each device: what one of them does to a transaction is no matter of the others."""
        return [
            *(_Batch(letters=[letter]) for letter in self.letters),
            *(_Batch(alike={letter: more}) for letter, more in self.alike.items()),
            *(_Batch(said={d: self.said[d]} if d in self.said else {}, times={d: n}) for d, n in self.times.items()),
        ]


class RefusalLine:
    """Takes refusals at any speed and writes them in transactions of its own. Run `run()` beside the adapters.

    A flood costs little: of each sender a few examples a minute are kept, the rest is only counted, beside the last
    example, and its senders are let go at once. `hub_refusals_dropped` says how much was only counted.
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
        self._waiting = _Batch()
        self._waiting_examples = 0
        self._of_reason: Tally[tuple[StrEnum, str]] = Tally()
        self._refusing: dict[_Kind, _Sender] = {}
        self._unknown_devices: dict[_Device, _Sender] = {}
        self._with_more: list[_Sender] = []
        self._window_ends = 0.0
        self._is_flooded = False
        self._arrived = asyncio.Event()
        self._refused = Counter("hub_intake_refused", "Input refused by reason", ["reason"], registry=registry)
        self._refused_for: dict[StrEnum, Counter] = {}
        self._unknown = Counter("hub_intake_unknown_device", "Messages of unknown devices", registry=registry)
        dropped = Counter(
            "hub_refusals_dropped", "Refused input only counted, for lack of room", ["kind"], registry=registry
        )
        self._dropped_samples = dropped.labels("sample")
        self._dropped_letters = dropped.labels("letter")

    def unknown(self, message: UnknownMessage, *, done: Done | None = None) -> None:
        device = message.device
        if self.only_counts_unknown(device):
            _tell(done)
            return
        self._unknown.inc()
        self._unknown_devices[device].kept += 1
        said = self._waiting.said.setdefault(device, [])
        said.append(Sample(message.topic, message.payload, self._clock.now()))
        self._waiting.times[device] = self._waiting.times.get(device, 0) + 1
        self._push(done)

    def only_counts_unknown(self, device: tuple[str, str, str, str]) -> bool:
        """Whether enough of this unknown device (protocol, broker, site's code, name) is kept: then this message of
        it is counted, and that is all. Else nothing was done, and `unknown` wants it."""
        sender = self._sender(self._unknown_devices, device)
        is_among = device in self._waiting.said or len(self._waiting.said) < DEVICES_A_WRITE
        if is_among and sender.kept < EXAMPLES_A_SENDER and self._waiting_examples < WAITING_LIMIT:
            return False
        sender.device = device
        self._unknown.inc()
        self._count_more(sender, self._dropped_samples)
        return True

    def refuse(
        self,
        *,
        raw: bytes,
        reason: StrEnum,
        detail: str,
        source: str,
        about: str = "",
        site_id: UUID | None = None,
        done: Done | None = None,
    ) -> None:
        """`about` tells senders of one source apart: a topic, a device."""
        if self.only_counts(reason, source=source, about=about):
            _tell(done)
            return
        self._count_reason(reason)
        letter = NewLetter(
            id=new_id(), raw=raw, reason=reason.value, detail=detail, source=source, site_id=site_id,
            received_at=self._clock.now(),
        )  # fmt: skip
        sender = self._refusing[reason, source, about]
        sender.kept += 1
        sender.letter = letter.id
        self._of_reason[reason, source] += 1
        self._waiting.letters.append(letter)
        self._push(done)

    def only_counts(self, reason: StrEnum, *, source: str, about: str) -> bool:
        """Whether enough of this kind is kept: then this refusal is counted, and that is all. Else nothing was done,
        and `refuse` wants it."""
        sender = self._sender(self._refusing, (reason, source, about))
        has_room = self._of_reason[reason, source] < LETTERS_A_REASON and self._waiting_examples < WAITING_LIMIT
        if has_room and sender.kept < EXAMPLES_A_SENDER:
            return False
        self._count_reason(reason)
        self._count_more(sender, self._dropped_letters)
        return True

    async def run(self) -> None:
        """Writes until cancelled. While PostgreSQL is away, what waits stays waiting."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch = self._take()
            was_flooded, self._is_flooded = self._is_flooded, False
            started = self._clock.monotonic()
            await self._write_until_done(batch)
            if was_flooded:
                took_s = self._clock.monotonic() - started
                await asyncio.sleep(min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, FLOOD_PAUSE * took_s)))

    # --- counting: what a flood passes through -----------------------------------------------------------------------

    def _sender(self, senders: dict[_K, _Sender], kind: _K) -> _Sender:
        now = self._clock.monotonic()
        if now >= self._window_ends or len(senders) >= SENDERS_KEPT:
            self._window_ends = now + WINDOW_S
            self._refusing.clear()
            self._unknown_devices.clear()
        sender = senders.get(kind)
        if sender is None:
            sender = senders[kind] = _Sender()
        return sender

    def _count_more(self, sender: _Sender, dropped: Counter) -> None:
        dropped.inc()
        if not sender.more:
            self._with_more.append(sender)
            self._is_flooded = True
            self._arrived.set()
        sender.more += 1

    def _count_reason(self, reason: StrEnum) -> None:
        counter = self._refused_for.get(reason)
        if counter is None:
            counter = self._refused_for[reason] = self._refused.labels(reason.value)
        counter.inc()

    def _push(self, done: Done | None) -> None:
        self._waiting_examples += 1
        if done is not None:
            self._waiting.done.append(done)
        self._arrived.set()

    # --- writing -----------------------------------------------------------------------------------------------------

    def _take(self) -> _Batch:
        """All that waits, with what was only counted."""
        batch, self._waiting = self._waiting, _Batch()
        self._waiting_examples = 0
        self._of_reason.clear()
        senders, self._with_more = self._with_more, []
        for sender in senders:
            if sender.device is not None:
                batch.times[sender.device] = batch.times.get(sender.device, 0) + sender.more
            elif sender.letter is not None:
                batch.alike[sender.letter] = batch.alike.get(sender.letter, 0) + sender.more
            sender.more = 0
        return batch

    async def _write_until_done(self, batch: _Batch) -> None:
        failed = False
        while not await self._written(batch):
            if not failed:
                waiting = self._waiting_examples + batch.examples
                log.error("refused input cannot be kept: is PostgreSQL up?", waiting=waiting)
            failed = True
            await asyncio.sleep(RETRY_S)
        for done in batch.done:
            done()

    async def _written(self, batch: _Batch) -> bool:
        """False when PostgreSQL is away. What it will not have (a NUL in a name) is dropped, counted, logged."""
        try:
            await self._write(batch)
        except (OperationalError, InterfaceError, OSError):
            return False
        except SQLAlchemyError as error:
            parts = batch.parts()
            if len(parts) > 1:
                return all([await self._written(part) for part in parts])
            log.warning("refused input cannot be written", error=repr(error))
            self._dropped_letters.inc(len(batch.letters))
            self._dropped_samples.inc(batch.examples - len(batch.letters))
        return True

    async def _write(self, batch: _Batch) -> None:
        async with self._database.transaction() as session:
            # In order, so that two processes that hear the same devices do not wait for each other.
            for device, times in sorted(batch.times.items()):
                protocol, broker, site_code, external_id = device
                said = batch.said.get(device, [])
                await self._discovery.note_all(
                    session, protocol=protocol, broker=broker, site_code=site_code, external_id=external_id,
                    said=said, times=times, heard_at=said[-1].received_at if said else self._clock.now(),
                )  # fmt: skip
            if batch.letters or batch.alike:
                await self._dead_letters.add_all(session, batch.letters, alike=batch.alike)


def _tell(done: Done | None) -> None:
    """Lets the sender go: what he sent is counted."""
    if done is not None:
        done()
