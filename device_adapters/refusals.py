"""What could not become a reading, on its way to PostgreSQL: batched, bounded, never in the way of readings."""

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

import psycopg
from procrastinate.exceptions import ConnectorException
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted
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
# Of what is only counted so many senders wait until the count is written, so that a kill loses none of a trickle; in a
# flood the others are let go at once.
COUNTED_WAITING = 10
DEVICES_A_WRITE = 20
# Who invents names must not fill the memory: whoever is forgotten may give examples again, and of no more than so many
# is it known between two writes how much was only counted.
SENDERS_KEPT = 10_000
RETRY_S = 1.0
# In a flood the next write waits so many times as long as the last one took, which leaves it a tenth of the time. One
# of more than half a second gets more, or the counts on the screens would be minutes old.
FLOOD_PAUSE = 9.0
SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 5.0

# PostgreSQL is away, or hangs and keeps all connections: said by the driver, by SQLAlchemy's pool or by whoever makes
# jobs of events.
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolExhausted, ConnectorException, OSError)

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
    """The part of `catalog.discovery.Discovery` that takes notes and counts."""

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

    async def count_all(self, session: AsyncSession, times: Mapping[_Device, int], *, heard_at: datetime) -> None: ...


class DeadLetters(Protocol):
    """The part of `catalog.dead_letters.DeadLetters` that takes letters."""

    async def add_all(
        self, session: AsyncSession, letters: Sequence[NewLetter], *, alike: Mapping[UUID, int]
    ) -> None: ...


@dataclass(slots=True)
class _Sender:
    """Who was refused for one reason, or is unknown: examples kept in this window, and what was only counted since the
    last write. `letter` is the last example's, if these are letters and there is one."""

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
    example, and its senders are let go at once but for a few. `hub_refusals_dropped` says how much was only counted.
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
        self._counted_waiting = 0
        self._of_reason: Tally[tuple[StrEnum, str]] = Tally()
        self._last_of_reason: dict[tuple[StrEnum, str], _Sender] = {}
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
        sender = self._sender(self._unknown_devices, device)
        self._unknown.inc()
        if not self._keeps_unknown(device, sender):
            sender.device = device
            self._count_more(sender, self._dropped_samples)
            self._wait_for_count(sender, done)
            return
        sender.kept += 1
        said = self._waiting.said.setdefault(device, [])
        said.append(Sample(message.topic, message.payload, self._clock.now()))
        self._waiting.times[device] = self._waiting.times.get(device, 0) + 1
        self._push(done)

    def only_counts_unknown(self, device: tuple[str, str, str, str]) -> bool:
        """Whether enough of this unknown device (protocol, broker, site's code, name) is kept: then this message of
        it is counted, and that is all. Else nothing was done, and `unknown` wants it."""
        sender = self._sender(self._unknown_devices, device)
        if self._counted_waiting < COUNTED_WAITING or self._keeps_unknown(device, sender):
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
        sender = self._sender(self._refusing, (reason, source, about))
        self._count_reason(reason)
        if not self._keeps(reason, source, sender):
            beside = self._beside(reason, source, sender)
            self._count_more(beside, self._dropped_letters)
            self._wait_for_count(beside, done)
            return
        letter = NewLetter(
            id=new_id(), raw=raw, reason=reason.value, detail=detail, source=source, site_id=site_id,
            received_at=self._clock.now(),
        )  # fmt: skip
        sender.kept += 1
        sender.letter = letter.id
        self._last_of_reason[reason, source] = sender
        self._of_reason[reason, source] += 1
        self._waiting.letters.append(letter)
        self._push(done)

    def only_counts(self, reason: StrEnum, *, source: str, about: str) -> bool:
        """Whether enough of this kind is kept: then this refusal is counted, and that is all. Else nothing was done,
        and `refuse` wants it."""
        sender = self._sender(self._refusing, (reason, source, about))
        if self._counted_waiting < COUNTED_WAITING or self._keeps(reason, source, sender):
            return False
        self._count_reason(reason)
        self._count_more(self._beside(reason, source, sender), self._dropped_letters)
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

    def _keeps(self, reason: StrEnum, source: str, sender: _Sender) -> bool:
        """Whether another example of this sender has a place."""
        has_room = self._of_reason[reason, source] < LETTERS_A_REASON and self._waiting_examples < WAITING_LIMIT
        return has_room and sender.kept < EXAMPLES_A_SENDER

    def _keeps_unknown(self, device: _Device, sender: _Sender) -> bool:
        is_among = device in self._waiting.said or len(self._waiting.said) < DEVICES_A_WRITE
        return is_among and sender.kept < EXAMPLES_A_SENDER and self._waiting_examples < WAITING_LIMIT

    def _beside(self, reason: StrEnum, source: str, sender: _Sender) -> _Sender:
        """Whose letter counts what is not kept: who has none is counted beside the last one of the reason."""
        return sender if sender.letter is not None else self._last_of_reason.get((reason, source), sender)

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
        """Beside what there is of the sender; of too many senders, or of one with nothing, in `dropped` only."""
        dropped.inc()
        if sender.device is None and sender.letter is None:
            return
        if not sender.more:
            if len(self._with_more) >= SENDERS_KEPT:
                return
            self._with_more.append(sender)
            self._is_flooded = True
            self._arrived.set()
        sender.more += 1

    def _wait_for_count(self, sender: _Sender, done: Done | None) -> None:
        """Lets whoever sent what was only counted go: once that is written, or now where too many wait for it."""
        if sender.more and self._counted_waiting < COUNTED_WAITING:
            self._counted_waiting += 1
            if done is not None:
                self._waiting.done.append(done)
        elif done is not None:
            done()

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
        self._waiting_examples = self._counted_waiting = 0
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
        """What PostgreSQL will not have (a NUL in a name) is dropped, counted, logged, and nothing is written twice: of
        a batch in parts only those that are left are tried again."""
        left, was_away = deque([batch]), False
        while left:
            error = await self._refusal_of(left[0])
            if error is None:
                left.popleft()
            elif not _is_away(error):
                left.extendleft(reversed(self._apart(left.popleft(), error)))
            else:
                if not was_away:
                    waiting = self._waiting_examples + sum(part.examples for part in left)
                    log.error("refused input cannot be kept: is PostgreSQL up?", waiting=waiting, error=_short(error))
                was_away = True
                await asyncio.sleep(RETRY_S)
        for done in batch.done:
            done()

    async def _refusal_of(self, batch: _Batch) -> Exception | None:
        """None: it is written."""
        try:
            await self._write(batch)
        except (SQLAlchemyError, psycopg.Error, ConnectorException, OSError) as error:
            return error
        return None

    def _apart(self, batch: _Batch, error: Exception) -> list[_Batch]:
        """What of a batch that was refused can be tried by itself."""
        parts = batch.parts()
        if len(parts) > 1:
            return parts
        log.warning("refused input cannot be written", error=_short(error))
        self._dropped_letters.inc(len(batch.letters))
        self._dropped_samples.inc(batch.examples - len(batch.letters))
        return []

    async def _write(self, batch: _Batch) -> None:
        async with self._database.transaction() as session:
            only_counted = {device: times for device, times in batch.times.items() if device not in batch.said}
            if only_counted:
                await self._discovery.count_all(session, only_counted, heard_at=self._clock.now())
            # In order, so that two processes that hear the same devices do not wait for each other.
            for (protocol, broker, site_code, external_id), said in sorted(batch.said.items()):
                await self._discovery.note_all(
                    session, protocol=protocol, broker=broker, site_code=site_code, external_id=external_id, said=said,
                    times=batch.times[protocol, broker, site_code, external_id], heard_at=said[-1].received_at,
                )  # fmt: skip
            if batch.letters or batch.alike:
                await self._dead_letters.add_all(session, batch.letters, alike=batch.alike)


def _is_away(error: Exception) -> bool:
    """Whether to try the same again, rather than to do without it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # To the driver a name too long for an index is operational too.
    return isinstance(cause, AWAY) and not isinstance(cause, psycopg.errors.ProgramLimitExceeded)


def _short(error: Exception) -> str:
    return repr(error)[:200]
