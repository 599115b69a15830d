"""The line of models: from the bus, by detectors, to findings. A process of its own, so that nothing waits for it.

It reads the bus by position and keeps checkpoints; see docs/architecture.md, "Models in the line". Whatever fails here
is counted, and the line begins again from its checkpoints; storage, rules and alarms know nothing of it.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final

from bus.client import Bus
from bus.sharing import WorkShare
from catalog.directory import LiveDirectory
from kit.announcements import MISSED, Announcement
from kit.cancellation import raise_if_cancelled
from kit.clock import Clock, to_ms
from kit.logs import logger
from predictive.health.tally import EvidenceTally
from predictive.streaming.books import StreamBooks
from predictive.streaming.checkpoint import Checkpoint, checkpoints, restored
from predictive.streaming.cohort import Cohort, Judged, Judging, Member, merged
from predictive.streaming.library import Library
from predictive.streaming.meters import StreamMeters
from predictive.streaming.past import LEARNERS_ROWS, LONGEST_MS, WARM_UP_ROWS, Past
from predictive.streaming.roster import Key, Roster
from predictive.streaming.saying import Sayings
from predictive.streaming.stream import Stream
from predictive.streaming.telling import findings_of
from predictive.training.errors import ModelRefused
from predictive.training.events import FreshStartNoted, ModelsChanged

log = logger(__name__)

SAVE_EVERY_S: Final = 300.0
SAY_EVERY_S: Final = 60.0
BEAT_S: Final = 1.0
ENDING_S: Final = 10.0
# A first look catches up with a day of a large site in minutes; what takes longer than this does not end.
LONGEST_LOOK_S: Final = 1_800.0
RETRY_S: Final = 5.0
# The clocks of the bus and of this process differ by less.
CLOCK_SLACK_MS: Final = 2_000
# So much is read before what came is judged: memory, and a partition that has much to catch up keeps nobody waiting.
MESSAGES_A_PAGE: Final = 500
READINGS_A_LOOK: Final = 500_000
_PREFIX: Final = "partition "


class LookDoesNotEnd(Exception):
    """A model, or what it waits for, never comes back: this process is to be ended, for a thread cannot be."""


class PredictLine:
    """`run` until cancelled. Raises LookDoesNotEnd."""

    def __init__(
        self, *, bus: Bus, share: WorkShare, directory: LiveDirectory, library: Library, books: StreamBooks, past: Past,
        judging: Judging, sayings: Sayings, look_every_s: float, lateness_s: float, clock: Clock, meters: StreamMeters,
    ) -> None:  # fmt: skip
        self._bus = bus
        self._share = share
        self._directory = directory
        self._library = library
        self._books = books
        self._past = past
        self._judging = judging
        self._sayings = sayings
        self._look_every_s = look_every_s
        self._lateness_ms = int(lateness_s * 1000)
        self._clock = clock
        self._meters = meters
        self._ours: frozenset[str] = frozenset()
        self._models_changed = True
        self._looking_since_s = time.monotonic()
        self._blank()

    def _blank(self) -> None:
        self.stream = Stream(self._judging, lateness_ms=self._lateness_ms)
        self._tally = EvidenceTally()
        self._roster: Roster | None = None
        self._reached: dict[tuple[int, bool], int] = {}
        self._last: dict[bool, int] = {}
        self._counted: dict[str, int] = {}
        self._failures = 0
        self._saved_s = self._said_s = time.monotonic()

    @property
    def partitions(self) -> set[int]:
        return {partition for partition, _ in self._reached}

    def hear(self, announcement: Announcement) -> None:
        if announcement.event in (MISSED, ModelsChanged.__name__, FreshStartNoted.__name__):
            self._models_changed = True

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._share_out(), name="predict lives")
            group.create_task(self._looking(), name="predict")

    async def _share_out(self) -> None:
        """Beats, whatever the line is at."""
        while True:
            wanted = [f"{_PREFIX}{partition}" for partition in self._directory.current.partitions]
            self._ours = await self._share.settle(wanted)
            await asyncio.sleep(BEAT_S)
            if time.monotonic() - self._looking_since_s > LONGEST_LOOK_S:
                raise LookDoesNotEnd(f"a look has lasted for more than {LONGEST_LOOK_S:.0f} s")

    async def _looking(self) -> None:
        try:
            while True:
                self._looking_since_s = started = time.monotonic()
                try:
                    await self.look()
                except Exception:
                    raise_if_cancelled()
                    self._meters.broken_off.inc()
                    log.exception("the line of models broke off; it begins again from its checkpoints")
                    self._blank()
                    await asyncio.sleep(RETRY_S)
                took_s = time.monotonic() - started
                self._meters.seconds.observe(took_s)
                await asyncio.sleep(max(0.0, self._look_every_s - took_s))
        finally:
            with contextlib.suppress(Exception):  # without it, the next one begins from the checkpoint before
                async with asyncio.timeout(ENDING_S):
                    await self._part(self.partitions)

    async def look(self) -> None:
        """Follows what changed, judges what came, says what is to be said."""
        await self._follow()
        read_until_ms = await self._read()
        judged = await asyncio.to_thread(self.stream.advance, read_until_ms=read_until_ms)
        await self._heed(judged)
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S or len(self.stream.failed) != self._failures:
            await self.say()
        if now_s - self._saved_s >= SAVE_EVERY_S:
            await self._save()

    # --- partitions, catalog, models ------------------------------------------------------------------------------

    async def _follow(self) -> None:
        models_changed, self._models_changed = self._models_changed, False
        if models_changed:
            try:
                await self._library.refresh()
            except BaseException:
                self._models_changed = True
                raise
        directory = self._directory.current
        if self._roster is None or self._roster.directory is not directory:
            self._roster, models_changed = Roster(directory), True
        wanted = {int(name.removeprefix(_PREFIX)) for name in self._ours}
        if gone := self.partitions - wanted:
            await self._part(gone)
        if models_changed and self.partitions:
            await self._adopt()
        for partition in sorted(wanted - self.partitions):
            await self._begin(partition)

    async def _begin(self, partition: int) -> None:
        """Takes a partition up where whoever had it before left it."""
        now_ms = to_ms(self._clock.now())
        members = self._wanted({partition})
        apart = Stream(self._judging, lateness_ms=self._lateness_ms, failed=self.stream.failed)
        kept = [each for each in await self._books.checkpoints(partition) if each.next_ms > now_ms - LONGEST_MS]
        apart.join(self._restored(kept, members))
        begun = self._begun(members, apart, now_ms=now_ms)
        await self._past.seed(begun)
        apart.join(begun)
        for life_safety in (False, True):
            self._reached[partition, life_safety] = await self._bus.last_sequence(life_safety=life_safety)
        await self._heed(await self._past.catch_up(apart, partition=partition, now_ms=now_ms))
        waiting = apart.inbox.pending()
        self.stream.join(apart.cohorts)
        self.stream.inbox.take_stored(waiting)
        self._said_s = -SAY_EVERY_S  # at the end of this look
        log.info("models look at a partition", partition=partition, equipment=len(members))

    def _restored(self, kept: Sequence[Checkpoint], members: Mapping[Key, Member]) -> list[Cohort]:
        try:
            return restored(kept, members, self._library.shelf, self._judging)
        except (ModelRefused, KeyError, ValueError) as error:
            log.warning("a checkpoint cannot be read; its equipment begins anew", error=repr(error))
            return []

    def _begun(self, members: Mapping[Key, Member], stream: Stream, *, now_ms: int) -> list[Cohort]:
        """Cohorts of those that `stream` has not, so far back that their detectors fill their windows."""
        known = stream.members()
        groups: dict[tuple[str, object], list[Member]] = {}
        for key, member in members.items():
            if key not in known:
                groups.setdefault((member.shape.subject, member.model_id), []).append(member)
        cohorts: list[Cohort] = []
        for some in groups.values():
            step_ms, model_id = some[0].shape.step_ms, some[0].model_id
            ids = [member.equipment_id for member in some]
            arrays = None if model_id is None else self._library.shelf.arrays(model_id, ids)
            back_rows = LEARNERS_ROWS if arrays is None else WARM_UP_ROWS
            edge_ms = stream.edge_ms(step_ms, read_until_ms=now_ms) - back_rows * step_ms
            cohorts.append(Cohort.begun(self._judging, some, arrays, next_ms=edge_ms))
        return merged(cohorts)

    async def _adopt(self) -> None:
        """Lets what changed in catalog or models change here: what is remembered stays where the equipment does."""
        wanted, known = self._wanted(self.partitions), self.stream.members()
        changed = {key for key, member in known.items() if wanted.get(key) != member}
        waiting = self.stream.inbox.pending()
        kept = list(checkpoints(self.stream.leave(changed)))
        self.stream.join(self._restored(kept, wanted))
        begun = self._begun(wanted, self.stream, now_ms=to_ms(self._clock.now()))
        for cohort in begun:  # in the middle of its line nobody waits for its past
            cohort.next_ms = max(cohort.next_ms, self.stream.edge_ms(cohort.shape.step_ms, read_until_ms=self._now_ms))
        await self._past.seed(begun)
        self.stream.join(begun)
        self.stream.inbox.clear()
        self.stream.inbox.take_stored(waiting)
        self._sayings.forget()

    def _wanted(self, partitions: set[int]) -> dict[Key, Member]:
        assert self._roster is not None
        return self._roster.wanted(partitions, self._library.shelf, self.stream.failed)

    async def _part(self, partitions: set[int]) -> None:
        """Lets partitions go, for others to take up where they are."""
        if not partitions:
            return
        await self._save()
        keys = {key for key, member in self.stream.members().items() if member.partition in partitions}
        self.stream.leave(keys)
        self._reached = {key: at for key, at in self._reached.items() if key[0] not in partitions}
        await self._share.release([f"{_PREFIX}{partition}" for partition in partitions])

    # --- readings and findings ----------------------------------------------------------------------------------

    @property
    def _now_ms(self) -> int:
        return to_ms(self._clock.now())

    async def _read(self) -> int:
        """Takes in what the bus has; until when everything that it took has been read."""
        until_ms = self._now_ms - CLOCK_SLACK_MS
        for life_safety in (False, True):
            last = await self._bus.last_sequence(life_safety=life_safety)
            if last == self._last.get(life_safety):
                continue
            for partition in sorted(self.partitions):
                until_ms = min(until_ms, await self._read_partition(partition, last, life_safety=life_safety))
            self._last[life_safety] = last
        self._count()
        self._meters.behind.set((self._now_ms - until_ms) / 1000)
        return until_ms

    async def _read_partition(self, partition: int, last: int, *, life_safety: bool) -> int:
        """When what was read last had come, if there is more; otherwise now."""
        reached = self._reached[partition, life_safety]
        if reached > last:  # the bus lost its files and began anew
            reached = self._reached[partition, life_safety] = 0
        taken = 0
        pages = self._bus.after(
            partition=partition, sequence=reached, life_safety=life_safety, max_messages=MESSAGES_A_PAGE
        )
        async with aclosing(pages):
            async for page in pages:
                for delivery in page:
                    self._meters.readings.inc(
                        self.stream.inbox.take(delivery.batch, arrived_ms=delivery.arrived_ms)
                    )  # fmt: skip
                    taken += len(delivery.batch)
                if page:
                    self._reached[partition, life_safety] = page[-1].sequence
                if taken > READINGS_A_LOOK:
                    self._last.pop(life_safety, None)
                    return page[-1].arrived_ms
                await asyncio.sleep(0)
        self._reached[partition, life_safety] = max(last, self._reached[partition, life_safety])
        return self._now_ms

    def _count(self) -> None:
        for reason, total in self.stream.inbox.left_out.items():
            self._meters.left_out.labels(reason).inc(total - self._counted.get(reason, 0))
            self._counted[reason] = total

    async def _heed(self, judged: Sequence[Judged]) -> None:
        for block in judged:
            if block.judgement is None or block.members[0].is_shadow:
                continue
            self._tally.add(
                block.names, block.members[0].shape.point_keys, ts_ms=block.window.ts_ms,
                score=block.judgement.score, shares=block.judgement.shares, is_read=block.is_read,
            )  # fmt: skip
        await self._books.tell(findings_of(judged))

    # --- what is kept -------------------------------------------------------------------------------------------

    async def say(self) -> None:
        """Writes down what is new of the state of each equipment."""
        assert self._roster is not None
        failed = len(self.stream.failed)
        self._meters.failures.inc(max(0, failed - self._failures))
        self._failures, self._said_s = failed, time.monotonic()
        watches = self._sayings.news(
            self.stream, self._roster.unwatched(self.partitions), self._library.shelf, now_ms=self._now_ms
        )
        await self._books.note(watches)
        for what, count in self._sayings.counts.items():
            self._meters.watched.labels(what).set(count)

    async def _save(self) -> None:
        """Checkpoints of all that is ours, with the evidence up to them."""
        kept: dict[int, list[Checkpoint]] = {partition: [] for partition in self.partitions}
        for each in await asyncio.to_thread(lambda: list(checkpoints(self.stream.cohorts))):
            kept[each.partition].append(each)
        lost = await self._books.save(kept, self._tally.taken())
        self._saved_s = time.monotonic()
        for partition in lost:
            log.warning("another process has got further with a partition", partition=partition)
