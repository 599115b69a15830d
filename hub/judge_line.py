"""The judge line: from the bus, by rules, to alarms. Two lines side by side, ordinary and life safety.

They share nothing but the event loop: each has its own consumer, state, lock and transactions, so that life safety
never waits behind a batch. What is judged is committed (detections, position, lease epoch) before it is acknowledged.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial

import psycopg
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import Detection
from alarms.publication import AlarmPublication, AlarmPublisher
from alarms.service import AlarmService
from bus.client import Bus
from bus.delivery import Delivery
from bus.lease import Lease, LeaseLost, PartitionLeases
from catalog.directory import Directory, LiveDirectory
from hub.judge_beginning import JudgeBeginning
from hub.judge_books import JudgeBooks
from hub.judge_meters import JudgeMeters, line_name
from hub.pace import gather_s
from hub.partition_judge import PartitionJudge
from kit.announcements import Announcement
from kit.clock import Clock, to_ms
from kit.db import Database
from kit.logs import logger
from rules.events import RuleChanged
from rules.reorder import WINDOW_MS, OrderedJudge
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from rules.service import RuleBook, RuleService
from telemetry.store import TelemetryQueries

log = logger(__name__)

DURABLE = "judge"
# Messages a fetch: enough to judge a backlog in large batches, few enough that one takes some milliseconds.
MESSAGES_A_FETCH = {False: 128, True: 64}
QUIET_S = 0.2
TICK_S = 1.0
LOOK_S = 1.0
# Readings need this long from the device to the bus; durations end that much later than their time.
SETTLE_MS = 2_000


# What one judge found in its part of a fetch.
Finding = tuple[PartitionJudge, Sequence[Detection]]


class JudgeLine:
    """`run` until cancelled. Partitions come and go by lease; rules and catalog are followed while it runs."""

    def __init__(
        self,
        *,
        bus: Bus,
        leases: PartitionLeases,
        rules: RuleService,
        directory: LiveDirectory,
        books: JudgeBooks,
        beginning: JudgeBeginning,
        publication: AlarmPublication,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        clock: Clock,
        meters: JudgeMeters,
    ) -> None:
        self.publication = publication
        self._bus = bus
        self._leases = leases
        self._rules = rules
        self._live_directory = directory
        self._books = books
        self._beginning = beginning
        self._transaction = transaction
        self._clock = clock
        self._meters = meters
        self._book = RuleBook(0)
        self._directory = Directory.of(0, [])
        self._judges: Mapping[bool, dict[int, PartitionJudge]] = {True: {}, False: {}}
        self._locks = {True: asyncio.Lock(), False: asyncio.Lock()}
        self._look_now = asyncio.Event()
        self._told: set[tuple[str, int]] = set()

    def hear(self, announcement: Announcement) -> None:
        """Makes a change of rules known at once; without it, it is seen within `LOOK_S`."""
        if announcement.event == RuleChanged.__name__:
            self._look_now.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.publication.run(), name="alarm publication")
            group.create_task(self._leases.beat(), name="judge lives")
            group.create_task(self._forever(self._follow, pause=self._until_look), name="judge rules and leases")
            for life_safety in (True, False):
                name = line_name(life_safety=life_safety)
                group.create_task(self._consume(life_safety), name=f"judge {name}")
                tick = partial(self._tick, life_safety)
                group.create_task(self._forever(tick, pause=partial(asyncio.sleep, TICK_S)), name=f"clock {name}")

    # --- readings ------------------------------------------------------------------------------------------------

    async def _consume(self, life_safety: bool) -> None:
        """Follows the partitions held: another set of partitions is another subscription."""
        while True:
            partitions = sorted(self._judges[life_safety])
            if not partitions:
                await asyncio.sleep(QUIET_S)
                continue
            deliveries = self._bus.consume(
                durable=DURABLE,
                partitions=partitions,
                life_safety=life_safety,
                max_messages=MESSAGES_A_FETCH[life_safety],
                max_wait_s=QUIET_S,
            )
            handled_at = time.monotonic()
            async with aclosing(deliveries):
                async for fetched in deliveries:
                    await self._handle(fetched, life_safety=life_safety)
                    if sorted(self._judges[life_safety]) != partitions:
                        break
                    _raise_if_cancelled()
                    took_s, handled_at = time.monotonic() - handled_at, time.monotonic()
                    await self._let_gather(fetched, took_s, life_safety=life_safety)

    @staticmethod
    async def _let_gather(fetched: Sequence[Delivery], took_s: float, *, life_safety: bool) -> None:
        """Life safety waits for no company, and a backlog has it."""
        if life_safety or len(fetched) == MESSAGES_A_FETCH[life_safety]:
            return
        pause_s = gather_s(sum(len(delivery.batch) for delivery in fetched), over_s=took_s)
        if pause_s:
            await asyncio.sleep(pause_s)

    async def _handle(self, fetched: Sequence[Delivery], *, life_safety: bool) -> None:
        """Judges each partition's part and keeps what all of them found in one transaction, then acknowledges."""
        if not fetched:
            return
        started = time.perf_counter()
        by_partition: dict[int, list[Delivery]] = defaultdict(list)
        for delivery in fetched:
            by_partition[delivery.partition].append(delivery)
        async with self._locks[life_safety]:
            findings = [await self._judge(p, deliveries, life_safety) for p, deliveries in by_partition.items()]
            await self._commit([finding for finding in findings if finding is not None and finding[1]])
            ours = set(self._judges[life_safety])
        for delivery in fetched:
            # What is not ours any more is given to whoever has it now.
            await (delivery.ack() if delivery.partition in ours else delivery.nak())
        self._meters.seconds.labels(line_name(life_safety=life_safety)).observe(time.perf_counter() - started)

    async def _judge(self, partition: int, deliveries: Sequence[Delivery], life_safety: bool) -> Finding | None:
        """What is found; None when the partition is not ours."""
        judged = self._judges[life_safety].get(partition)
        if judged is None:
            return None
        if judged.misses_some(deliveries) and not await self._keep(
            judged, self._beginning.catch_up(judged, self._directory)
        ):
            return None
        return judged, self._taken(judged, deliveries)

    async def _commit(self, findings: Sequence[Finding]) -> None:
        """Keeps what was found. A partition that is lost is let go, and what the others found is kept all the same."""
        while findings:
            try:
                await self._books.commit(findings)
                return
            except LeaseLost as lost:
                self._let_go(lost)
                findings = [finding for finding in findings if finding[0].partition != lost.partition]

    def _taken(self, judged: PartitionJudge, deliveries: Sequence[Delivery]) -> list[Detection]:
        """A batch that cannot be judged stops nothing: it is stored all the same, counted and logged here."""
        try:
            return judged.take(deliveries, self._directory, now_ms=to_ms(self._clock.now()))
        except Exception:
            self._meters.poison.labels(line_name(life_safety=judged.life_safety)).inc(len(deliveries))
            log.exception(
                "batch cannot be judged", partition=judged.partition, sequences=[d.sequence for d in deliveries]
            )
            return []

    async def _keep(self, judged: PartitionJudge, work: Awaitable[None]) -> bool:
        """Does work that writes for a partition; False when the partition has been lost, and then it is let go."""
        try:
            await work
        except LeaseLost as lost:
            self._let_go(lost)
        return self._judges[judged.life_safety].get(judged.partition) is judged

    # --- time ----------------------------------------------------------------------------------------------------

    async def _tick(self, life_safety: bool) -> None:
        async with self._locks[life_safety]:
            now_ms = to_ms(self._clock.now())
            judges = self._judges[life_safety]
            due = [(j, j.judge.tick(now_ms=now_ms, settled_ms=now_ms - SETTLE_MS)) for j in judges.values()]
            await self._commit([(judged, detections) for judged, detections in due if detections])
            try:
                await self._books.write_positions(list(judges.values()))
            except LeaseLost as lost:
                self._let_go(lost)

    # --- rules, catalog, leases ------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Takes up what changed: partitions, rules, catalog."""
        async with self._transaction() as session:
            revision = await self._rules.revision(session)
            book = await self._rules.book(session) if revision != self._book.revision else self._book
        directory = self._live_directory.current
        if book is not self._book or directory is not self._directory:
            await self._adopt(book, directory)
        await self._share_out()

    async def _share_out(self) -> None:
        change = await self._leases.rebalance(self._directory.partitions)
        for lease in change.lost:
            self._drop(lease.partition)
        for lease in change.surplus:
            await self._give_back(lease)
        # Life safety of all partitions first: it is little, and it must not wait for the rest.
        for life_safety in (True, False):
            begun = [await self._begin(lease, life_safety=life_safety) for lease in change.gained]
            self._judges[life_safety].update({judged.partition: judged for judged in begun if judged is not None})
        for partition, epoch in self._leases.held().items():
            if any(partition not in judges for judges in self._judges.values()):
                await self._give_back(Lease(partition, epoch))  # taken anew, here or by another process
        self._count_pairs()

    async def _begin(self, lease: Lease, *, life_safety: bool) -> PartitionJudge | None:
        rules = self._rule_set(lease.partition, self._book, self._directory, life_safety=life_safety)
        try:
            judged = await self._beginning.begin(
                rules, self._directory, partition=lease.partition, epoch=lease.epoch, on_failure=self._rule_failed
            )
            # Made anew, so that an earlier owner who still asks for messages takes none from us.
            await self._bus.renew_consumer(
                durable=DURABLE, partition=lease.partition, life_safety=life_safety, after=judged.reached.sequence
            )
            return judged
        except Exception:
            log.exception("a partition could not be begun", partition=lease.partition, life_safety=life_safety)
            return None

    async def _give_back(self, lease: Lease) -> None:
        for life_safety in (True, False):
            async with self._locks[life_safety]:
                judged = self._judges[life_safety].pop(lease.partition, None)
                if judged is not None:
                    await self._keep(judged, self._books.write_positions([judged]))
        await self._leases.release(lease)
        self._count_pairs()

    def _let_go(self, lost: LeaseLost) -> None:
        log.warning("partition lost", partition=lost.partition, epoch=lost.epoch)
        self._drop(lost.partition)

    def _drop(self, partition: int) -> None:
        for judges in self._judges.values():
            judges.pop(partition, None)
        self._count_pairs()

    async def _adopt(self, book: RuleBook, directory: Directory) -> None:
        """Lays the rules out anew, beside the loop, and lets each judge's state go over."""
        for life_safety in (True, False):
            for partition in list(self._judges[life_safety]):
                rules = await asyncio.to_thread(self._rule_set, partition, book, directory, life_safety=life_safety)
                async with self._locks[life_safety]:
                    judged = self._judges[life_safety].get(partition)
                    if judged is not None:
                        await self._keep(judged, self._succeed(judged, rules))
        self._book, self._directory = book, directory
        self._told.clear()
        self._count_pairs()
        log.info("rules in force", revision=book.revision, rules=len(book.rules), catalog=directory.version)

    async def _succeed(self, judged: PartitionJudge, rules: RuleSet) -> None:
        window_ms = 0 if judged.life_safety else WINDOW_MS
        fresh = OrderedJudge(rules, on_failure=self._rule_failed, window_ms=window_ms)
        ended = fresh.succeed(judged.judge, now_ms=to_ms(self._clock.now()))
        judged.judge = fresh
        if ended:
            await self._books.commit([(judged, ended)])

    @staticmethod
    def _rule_set(partition: int, book: RuleBook, directory: Directory, *, life_safety: bool) -> RuleSet:
        entries = [entry for entry in directory.entries if entry.partition == partition]
        return RuleSet.of(book.rules, entries, life_safety=life_safety)

    # --- inside --------------------------------------------------------------------------------------------------

    async def _forever(self, step: Callable[[], Awaitable[None]], *, pause: Callable[[], Awaitable[None]]) -> None:
        """Repeats a step that needs the database; an outage is told once, and its end once."""
        is_down = False
        while True:
            try:
                await step()
            except (SQLAlchemyError, psycopg.Error, OSError) as error:
                if not is_down:
                    log.error("judge line waits for the database", error=str(error))
                is_down = True
            else:
                if is_down:
                    log.info("judge line has the database again")
                is_down = False
            _raise_if_cancelled()
            await pause()

    async def _until_look(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._look_now.wait()
        self._look_now.clear()

    def _rule_failed(self, compiled: CompiledRule, error: Exception) -> None:
        """Counted each time, told once a version."""
        rule = compiled.rule
        self._meters.failures.labels(rule.key).inc()
        if (rule.key, rule.version) not in self._told:
            self._told.add((rule.key, rule.version))
            log.error("rule failed", rule=rule.key, version=rule.version, exc_info=error)

    def _count_pairs(self) -> None:
        for life_safety, judges in self._judges.items():
            pairs = sum(judged.judge.rules.pairs for judged in judges.values())
            self._meters.pairs.labels(line_name(life_safety=life_safety)).set(pairs)


def _raise_if_cancelled() -> None:
    """`asyncio.wait_for` of Python 3.11, which nats-py uses, loses a cancellation that comes with its result."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def build_judge_line(
    *,
    database: Database,
    bus: Bus,
    leases: PartitionLeases,
    alarms: AlarmService,
    rules: RuleService,
    queries: TelemetryQueries,
    publisher: AlarmPublisher,
    directory: LiveDirectory,
    clock: Clock,
    registry: CollectorRegistry,
) -> JudgeLine:
    """The judge line, built by hand. `leases` is entered by the caller."""
    meters = JudgeMeters(registry)
    publication = AlarmPublication(publisher, database.transaction, clock, registry)
    books = JudgeBooks(database, alarms, rules, leases, publication, meters)
    return JudgeLine(
        bus=bus,
        leases=leases,
        rules=rules,
        directory=directory,
        books=books,
        beginning=JudgeBeginning(bus, books, queries, meters, clock),
        publication=publication,
        transaction=database.transaction,
        clock=clock,
        meters=meters,
    )
