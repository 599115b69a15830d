"""The judge line: from the bus, by rules, to alarms. Two lines side by side, ordinary and life safety.

They share nothing but the event loop: each has its own consumer, state, lock and transactions, so that life safety
never waits behind a batch. What is judged is committed (detections, position, lease epoch) before it is acknowledged.
"""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial

import psycopg
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.publication import AlarmPublication, AlarmPublisher
from alarms.service import AlarmService
from bus.client import Bus
from bus.delivery import Delivery
from bus.lease import Lease, LeaseLost, PartitionLeases
from catalog.directory import Directory, LiveDirectory
from hub.joint_judge import JointJudge
from hub.judge_beginning import JudgeBeginning
from hub.judge_books import JudgeBooks
from hub.judge_meters import JudgeMeters, line_name
from hub.pace import gather_s
from hub.partition_mark import Finding, PartitionMark
from kit.announcements import Announcement
from kit.cancellation import raise_if_cancelled
from kit.clock import Clock, to_ms
from kit.db import Database
from kit.logs import logger
from rules.book import RuleBook
from rules.events import RuleChanged
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from rules.service import RuleService
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
        self._judges = {line: self._blank(life_safety=line) for line in (True, False)}
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
            partitions = sorted(self._judges[life_safety].marks)
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
                    if sorted(self._judges[life_safety].marks) != partitions:
                        break
                    raise_if_cancelled()
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
        """Judges a fetch and keeps what was found in one transaction, then acknowledges."""
        if not fetched:
            return
        started = time.perf_counter()
        async with self._locks[life_safety]:
            judge = self._judges[life_safety]
            await self._fill_gaps(judge, fetched)
            ours = [delivery for delivery in fetched if delivery.partition in judge.marks]
            await self._commit(judge.take(ours, self._directory, now_ms=to_ms(self._clock.now())))
            held = set(judge.marks)
        for delivery in fetched:
            # What is not ours any more is given to whoever has it now.
            await (delivery.ack() if delivery.partition in held else delivery.nak())
        self._meters.seconds.labels(line_name(life_safety=life_safety)).observe(time.perf_counter() - started)

    async def _fill_gaps(self, judge: JointJudge, fetched: Sequence[Delivery]) -> None:
        """Where something before these never came, the bus is read up to now."""
        by_partition: dict[int, list[Delivery]] = defaultdict(list)
        for delivery in fetched:
            by_partition[delivery.partition].append(delivery)
        for partition, deliveries in by_partition.items():
            mark = judge.marks.get(partition)
            if mark is not None and mark.misses_some(deliveries):
                with self._letting_go():
                    await self._beginning.catch_up(judge, mark, self._directory)

    async def _commit(self, findings: Sequence[Finding]) -> None:
        """Keeps what was found. A partition that is lost is let go, and what the others found is kept all the same."""
        while findings:
            with self._letting_go():
                await self._books.commit(findings)
                return
            findings = [finding for finding in findings if self._is_held(finding[0])]

    @contextlib.contextmanager
    def _letting_go(self) -> Iterator[None]:
        """Lets a partition go that turns out to be lost while something is written for it."""
        try:
            yield
        except LeaseLost as lost:
            log.warning("partition lost", partition=lost.partition, epoch=lost.epoch)
            self._drop(lost.partition)

    # --- time ----------------------------------------------------------------------------------------------------

    async def _tick(self, life_safety: bool) -> None:
        async with self._locks[life_safety]:
            now_ms = to_ms(self._clock.now())
            judge = self._judges[life_safety]
            await self._commit(judge.tick(now_ms=now_ms, settled_ms=now_ms - SETTLE_MS))
            with self._letting_go():
                await self._books.write_positions(list(judge.marks.values()))

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
        # Life safety of all partitions first, side by side: it is little, and it must not wait for the rest.
        urgent = await asyncio.gather(*(self._begin(lease, life_safety=True) for lease in change.gained))
        await self._join([judge for judge in urgent if judge is not None], life_safety=True)
        begun = [await self._begin(lease, life_safety=False) for lease in change.gained]
        await self._join([judge for judge in begun if judge is not None], life_safety=False)
        for partition, epoch in self._leases.held().items():
            if any(partition not in judge.marks for judge in self._judges.values()):
                await self._give_back(Lease(partition, epoch))  # taken anew, here or by another process
        self._count_pairs()

    async def _begin(self, lease: Lease, *, life_safety: bool) -> JointJudge | None:
        rules = self._rule_set({lease.partition}, self._book, self._directory, life_safety=life_safety)
        mark = PartitionMark(partition=lease.partition, epoch=lease.epoch, life_safety=life_safety)
        judge = JointJudge.of(rules, [mark], on_failure=self._rule_failed, life_safety=life_safety, meters=self._meters)
        try:
            await self._beginning.begin(judge, mark, self._directory)
            # Made anew, so that an earlier owner who still asks for messages takes none from us.
            await self._bus.renew_consumer(
                durable=DURABLE, partition=lease.partition, life_safety=life_safety, after=mark.reached.sequence
            )
        except Exception:
            log.exception("a partition could not be begun", partition=lease.partition, life_safety=life_safety)
            return None
        return judge

    async def _join(self, begun: Sequence[JointJudge], *, life_safety: bool) -> None:
        """Lays the line out anew over the partitions that are ours now; beside the loop, as far as that can be."""
        judge = self._judges[life_safety]
        if not begun and not judge.is_crooked:
            return
        partitions = set(judge.marks).union(*(each.marks for each in begun))
        rules = await asyncio.to_thread(
            self._rule_set, partitions, self._book, self._directory, life_safety=life_safety
        )
        async with self._locks[life_safety]:
            self._judges[life_safety] = judge.join(rules, begun, on_failure=self._rule_failed)

    async def _give_back(self, lease: Lease) -> None:
        for life_safety in (True, False):
            async with self._locks[life_safety]:
                mark = self._judges[life_safety].marks.pop(lease.partition, None)
                if mark is not None:
                    with self._letting_go():
                        await self._books.write_positions([mark])
        await self._leases.release(lease)
        self._count_pairs()

    def _drop(self, partition: int) -> None:
        for judge in self._judges.values():
            judge.marks.pop(partition, None)
        self._count_pairs()

    def _is_held(self, mark: PartitionMark) -> bool:
        return self._judges[mark.life_safety].marks.get(mark.partition) is mark

    async def _adopt(self, book: RuleBook, directory: Directory) -> None:
        """Lays the rules out anew, beside the loop, and lets the judges' state go over."""
        for life_safety, judge in self._judges.items():
            rules = await asyncio.to_thread(self._rule_set, set(judge.marks), book, directory, life_safety=life_safety)
            async with self._locks[life_safety]:
                now_ms = to_ms(self._clock.now())
                await self._commit(judge.succeed(rules, on_failure=self._rule_failed, now_ms=now_ms))
        self._book, self._directory = book, directory
        self._told.clear()
        self._count_pairs()
        log.info("rules in force", revision=book.revision, rules=len(book.rules), catalog=directory.version)

    @staticmethod
    def _rule_set(partitions: Collection[int], book: RuleBook, directory: Directory, *, life_safety: bool) -> RuleSet:
        entries = [entry for entry in directory.entries if entry.partition in partitions]
        return RuleSet.of(book.rules, entries, life_safety=life_safety, around=directory.entries)

    def _blank(self, *, life_safety: bool) -> JointJudge:
        return JointJudge.of(
            RuleSet.of([], [], life_safety=life_safety), on_failure=self._rule_failed, life_safety=life_safety,
            meters=self._meters,
        )  # fmt: skip

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
            raise_if_cancelled()
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
        self._meters.left_out_pairs.clear()
        for life_safety, judge in self._judges.items():
            line, rules = line_name(life_safety=life_safety), judge.judge.rules
            self._meters.pairs.labels(line).set(rules.pairs)
            for reason, pairs in Counter(one.refusal.code() for one in rules.left_out).items():
                self._meters.left_out_pairs.labels(line, reason).set(pairs)


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
