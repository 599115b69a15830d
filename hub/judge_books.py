"""Writes down what was judged: detections, position and lease in one transaction; and reads it at a beginning."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource
from alarms.publication import AlarmPublication
from alarms.service import AlarmService
from alarms.transition import AlarmTransition
from bus.lease import LeaseCheck
from hub.judge_meters import JudgeMeters, line_name
from hub.partition_mark import Finding, PartitionMark
from kit.crash_points import CrashPoint, crash_here
from kit.db import Database
from kit.logs import logger
from rules.book import Position
from rules.rule_set import PairKey
from rules.service import RuleService

log = logger(__name__)

# Those of several partitions are kept together.
Findings = Sequence[Finding]

# The database is away or overcome: worth trying again. Other errors of the driver mean that it will not have this.
# The driver counts some among the internal errors: a server that recovers may be read but not written, and one that
# waited too long for us, asleep or starved, has ended our transaction.
OUTAGES = (
    psycopg.OperationalError, psycopg.InterfaceError, OSError, psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout,
)  # fmt: skip

# Waits between attempts while the database is away, seconds; the last one is repeated.
RETRY_WAITS_S = (0.05, 0.2, 1.0, 2.0)


class Leases(Protocol):
    """`bus.lease.PartitionLeases`, or one that a test gives."""

    async def check(self, session: AsyncSession, epochs: Mapping[int, int]) -> LeaseCheck: ...


@dataclass(frozen=True)
class Beginning:
    """What the books say at one instant: how far was judged, and the episodes that last, by pair → onset."""

    position: Position | None
    lasting: Mapping[PairKey, int]


class JudgeBooks:
    def __init__(
        self,
        database: Database,
        alarms: AlarmService,
        rules: RuleService,
        leases: Leases,
        publication: AlarmPublication,
        meters: JudgeMeters,
    ) -> None:
        self._database = database
        self._alarms = alarms
        self._rules = rules
        self._leases = leases
        self._publication = publication
        self._meters = meters

    async def beginning(self, *, partition: int, life_safety: bool, equipment_ids: Collection[UUID]) -> Beginning:
        async with self._database.transaction() as session:
            position = await self._rules.position(session, partition=partition, life_safety=life_safety)
            lasting = await self._alarms.lasting_episodes(
                session, source=AlarmSource.RULE, life_safety=life_safety, equipment_ids=equipment_ids
            )
        return Beginning(position, {(rule, equipment_id): onset for equipment_id, _, rule, onset in lasting})

    async def commit(self, findings: Findings) -> None:
        """Returns once all detections and positions are kept; waits as long as the database is away.

        Raises LeaseLost for the first partition that is not its judge's any more; then nothing was kept.
        """
        try:
            transitions = await self._persist(findings)
        except psycopg.Error as error:
            log.error("detections cannot be kept together", partitions=_partitions(findings), error=str(error))
            transitions = await self._one_by_one(findings)
        crash_here(CrashPoint.JUDGE_COMMITTED)
        self._publication.offer(transitions)
        for mark, detections in findings:
            mark.written = mark.reached.sequence
            for detection in detections:
                what = "began" if detection.active else "ended"
                self._meters.detections.labels(line_name(life_safety=mark.life_safety), what).inc()

    async def write_positions(self, every: Sequence[PartitionMark]) -> None:
        """Records how far those got that found nothing. What cannot be written now is written next time."""
        behind = [mark for mark in every if mark.reached.sequence != mark.written]
        if not behind:
            return
        reached = {mark.partition: mark.reached.sequence for mark in behind}
        async with self._database.pipelined_transaction() as session:
            check = await self._leases.check(session, {mark.partition: mark.epoch for mark in behind})
            await self._save_positions(session, behind)
            await check.confirm()
        for mark in behind:
            mark.written = reached[mark.partition]

    async def _persist(self, findings: Findings) -> list[AlarmTransition]:
        attempt = 0
        while True:
            try:
                transitions = await self._write(findings)
            except OUTAGES as error:
                if not is_outage(error):
                    raise
                if attempt == 0:
                    log.error("database is away, judging waits", error=str(error))
                await asyncio.sleep(RETRY_WAITS_S[min(attempt, len(RETRY_WAITS_S) - 1)])
                attempt += 1
                continue
            if attempt:
                log.info("database is back, judging goes on", attempts=attempt)
            return transitions

    async def _write(self, findings: Findings) -> list[AlarmTransition]:
        detections = [detection for _, found in findings for detection in found]
        async with self._database.pipelined_transaction() as session:
            check = await self._leases.check(session, {mark.partition: mark.epoch for mark, _ in findings})
            transitions = await self._alarms.apply(session, detections)
            await self._save_positions(session, [mark for mark, _ in findings])
            # Its answer came with what the alarms read; COMMIT goes out with the writing.
            await check.confirm()
        return transitions

    async def _one_by_one(self, findings: Findings) -> list[AlarmTransition]:
        """So that one detection the database refuses takes no other with it."""
        transitions: list[AlarmTransition] = []
        for mark, detections in findings:
            for detection in detections:
                try:
                    transitions += await self._persist([(mark, [detection])])
                except psycopg.Error:
                    self._meters.unfit.inc()
                    log.exception(
                        "detection cannot be kept", rule=detection.source_id, equipment=detection.equipment_id
                    )
        return transitions

    async def _save_positions(self, session: AsyncSession, every: Sequence[PartitionMark]) -> None:
        for life_safety in {mark.life_safety for mark in every}:
            reached = {mark.partition: mark.reached.sequence for mark in every if mark.life_safety is life_safety}
            await self._rules.save_positions(session, reached, life_safety=life_safety)


def is_outage(error: BaseException) -> bool:
    """Whether the database was away or overcome, so that it may take the same later."""
    if not isinstance(error, psycopg.errors.PipelineAborted):
        return isinstance(error, OUTAGES)
    # What follows a statement that failed is aborted, and may be told in place of what that one failed of.
    first = error.__cause__ or error.__context__
    return first is not None and is_outage(first)


def _partitions(findings: Findings) -> list[int]:
    return [mark.partition for mark, _ in findings]
