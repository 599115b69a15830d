"""Begins to judge a partition where it was left: state rebuilt silently, then whatever was not judged yet, emitting.

The position and the lasting episodes were written in one transaction, so together they say exactly what has been told.
Up to the position, the bus is read silently for the state of durations; older values that still hold, what functions
over time look back at, and what longer durations depend on come from the store. From the position on, the same bus is
judged on. A kill at any instant therefore neither raises anything twice nor swallows it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from uuid import UUID

from alarms.detection import AlarmSource, Detection
from bus.client import Bus
from bus.delivery import Delivery
from catalog.directory import Directory, EquipmentEntry
from hub.joint_judge import JointJudge
from hub.judge_books import Beginning, JudgeBooks
from hub.judge_meters import JudgeMeters, line_name
from hub.judge_past import doubt, recall, remember, seed
from hub.partition_mark import PartitionMark, Reached
from kit.clock import Clock, to_ms
from kit.logs import logger
from rules.book import Position
from rules.rule_set import PairKey, RuleSet
from telemetry.store import TelemetryQueries

log = logger(__name__)

# The bus is read back so far before the position. Longer durations are rebuilt from the store; those of life safety,
# whose line is thin and judges some readings at their arrival, and of pairs over several equipments from the bus, which
# is read back at most so far.
SHORTEST_LOOK_BACK_MS = 10 * 60_000
LONGEST_LOOK_BACK_MS = 6 * 3_600_000


class JudgeBeginning:
    def __init__(
        self, bus: Bus, books: JudgeBooks, queries: TelemetryQueries, meters: JudgeMeters, clock: Clock
    ) -> None:
        self._bus = bus
        self._books = books
        self._queries = queries
        self._meters = meters
        self._clock = clock

    async def begin(self, judge: JointJudge, mark: PartitionMark, directory: Directory) -> None:
        """Leaves `judge`, blank and of this partition alone, with everything judged that the bus has until now.

        Raises LeaseLost.
        """
        entries = {entry.equipment_id: entry for entry in directory.entries if entry.partition == mark.partition}
        known = await self._books.beginning(
            partition=mark.partition, life_safety=mark.life_safety, equipment_ids=entries
        )
        since_ms = self._since_ms(known, judge.judge.rules, life_safety=mark.life_safety)
        if not mark.life_safety:
            await recall(
                judge.judge, self._queries, before_ms=since_ms, beyond_ms=SHORTEST_LOOK_BACK_MS,
                now_ms=to_ms(self._clock.now()),
            )  # fmt: skip
        await seed(judge.judge, self._queries, before_ms=since_ms)
        await remember(judge.judge, self._queries, before_ms=since_ms)
        await self._replay_silently(judge, mark, directory, known.position, since_ms=since_ms)
        await self._end_orphans(mark, judge.judge.adopt(known.lasting), known.lasting, entries)
        await self.catch_up(judge, mark, directory, seeded_ms=since_ms)
        judge.judge.listen_from(to_ms(self._clock.now()))
        self._meters.rebuilds.labels(line_name(life_safety=mark.life_safety)).inc()

    async def catch_up(
        self, judge: JointJudge, mark: PartitionMark, directory: Directory, *, seeded_ms: int | None = None
    ) -> None:
        """Judges what the bus has of a partition after the last one judged, in order. `seeded_ms`: what the judge knows
        from before that instant is from the store. Raises LeaseLost.
        """
        pages = self._bus.after(partition=mark.partition, sequence=mark.reached.sequence, life_safety=mark.life_safety)
        async with aclosing(pages):
            async for page in pages:
                now_ms = to_ms(self._clock.now())
                if seeded_ms is not None and not mark.life_safety:
                    doubt(judge.judge, page, since_ms=seeded_ms, now_ms=now_ms)
                findings = judge.take(page, directory, now_ms=now_ms)
                if findings:
                    await self._books.commit(findings)
                await asyncio.sleep(0)  # a long history does not keep the other line waiting

    async def _replay_silently(
        self, judge: JointJudge, mark: PartitionMark, directory: Directory, position: Position | None, *, since_ms: int
    ) -> None:
        """Judges up to the position, telling nobody: it was told when it was judged first."""
        if position is None:
            return
        until = Reached(position.sequence, to_ms(position.at))
        if not await self._knows(mark, until):
            return  # the bus lost its files and began anew: nothing it has was judged
        now_ms = to_ms(self._clock.now())
        pages = self._bus.history(partition=mark.partition, since_ms=since_ms, life_safety=mark.life_safety)
        async with aclosing(pages):
            async for page in pages:
                # By sequence: the bus's clock may have been set back and forth meanwhile.
                told = [delivery for delivery in page if delivery.sequence <= until.sequence]
                if not mark.life_safety:
                    doubt(judge.judge, told, since_ms=since_ms, now_ms=now_ms)
                judge.take(told, directory, now_ms=now_ms)
                if len(told) < len(page):
                    break
                await asyncio.sleep(0)
        mark.reached, mark.written = until, until.sequence

    async def _knows(self, mark: PartitionMark, until: Reached) -> bool:
        """Whether the bus counts on from what was judged last, or has let go of all that."""
        first = await self._first_after(mark, 0)
        if first is None or first.sequence > until.sequence:
            return True
        last = await self._first_after(mark, until.sequence - 1)
        return last is not None and last.sequence == until.sequence and until.includes(last)

    async def _first_after(self, mark: PartitionMark, sequence: int) -> Delivery | None:
        pages = self._bus.after(
            partition=mark.partition, sequence=sequence, life_safety=mark.life_safety, max_messages=1
        )
        async with aclosing(pages):
            async for page in pages:
                return page[0]
        return None

    def _since_ms(self, known: Beginning, rules: RuleSet, *, life_safety: bool) -> int:
        """Before the first start there is no position: whatever the bus has is judged."""
        if known.position is None:
            return 0
        need_ms = rules.longest_need_ms if life_safety else rules.longest_need_apart_ms
        look_back_ms = min(max(need_ms, SHORTEST_LOOK_BACK_MS), LONGEST_LOOK_BACK_MS)
        # A clock that was set back stamps what comes now with a time before the position's.
        return min(to_ms(known.position.at), to_ms(self._clock.now())) - look_back_ms

    async def _end_orphans(
        self,
        mark: PartitionMark,
        orphans: Sequence[PairKey],
        lasting: Mapping[PairKey, int],
        entries: Mapping[UUID, EquipmentEntry],
    ) -> None:
        """Episodes whose rule, or whose equipment's service, ended while nobody judged."""
        if not orphans:
            return
        log.info("episodes of rules that are gone end", partition=mark.partition, count=len(orphans))
        now_ms = to_ms(self._clock.now())
        ended = [
            Detection.end_of(
                source=AlarmSource.RULE,
                source_id=rule_key,
                equipment_id=equipment_id,
                site_id=entries[equipment_id].site_id,
                onset_ms=lasting[rule_key, equipment_id],
                at_ms=now_ms,
            )
            for rule_key, equipment_id in orphans
        ]
        await self._books.commit([(mark, ended)])
