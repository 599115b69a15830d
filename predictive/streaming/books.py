"""What the line writes: checkpoints with the evidence up to them in one transaction, findings, what is said of each."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from kit.cancellation import raise_if_cancelled
from kit.clock import Clock
from kit.logs import logger
from predictive.health.tally import EvidenceSum
from predictive.predictions.finding import Finding
from predictive.streaming.checkpoint import Checkpoint
from predictive.streaming.meters import StreamMeters
from predictive.streaming.repository import CheckpointRepository, WatchRepository
from predictive.streaming.watch import Watch

log = logger(__name__)

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
# A transaction stays short; others wait for the same rows.
FINDINGS_AT_ONCE: Final = 50


class Taking(Protocol):
    """Where findings go (`predictive.predictions.intake`)."""

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None: ...


class Evidence(Protocol):
    """Where the evidence of hours goes (`predictive.health.book`); it adds to what is there."""

    async def keep(self, session: AsyncSession, sums: Sequence[EvidenceSum]) -> None: ...


class StreamBooks:
    def __init__(
        self, transaction: Transaction, taking: Taking, evidence: Evidence, clock: Clock, meters: StreamMeters
    ) -> None:  # fmt: skip
        self._transaction = transaction
        self._taking = taking
        self._evidence = evidence
        self._clock = clock
        self._meters = meters

    async def checkpoints(self, partition: int) -> list[Checkpoint]:
        async with self._transaction() as session:
            return await CheckpointRepository(session).of_partition(partition)

    async def save(self, kept: dict[int, list[Checkpoint]], sums: Sequence[EvidenceSum]) -> set[int]:
        """Partitions of which somebody else has got further: they are not ours. Evidence counts once: it is kept with
        the checkpoints or, killed before, found again from the checkpoints before."""
        lost: set[int] = set()
        async with self._transaction() as session:
            for partition, checkpoints in sorted(kept.items()):
                if not await CheckpointRepository(session).replace(partition, checkpoints, now=self._clock.now()):
                    lost.add(partition)
            if sums:
                await self._evidence.keep(session, sums)
        return lost

    async def forget_but(self, partitions: Collection[int]) -> None:
        async with self._transaction() as session:
            await CheckpointRepository(session).forget(partitions)

    async def note(self, watches: Sequence[Watch]) -> None:
        if not watches:
            return
        async with self._transaction() as session:
            await WatchRepository(session).note(watches, now=self._clock.now())

    async def tell(self, findings: Sequence[Finding]) -> None:
        """Hands findings on; one that cannot be is counted, and said again while it stands."""
        for at in range(0, len(findings), FINDINGS_AT_ONCE):
            some = findings[at : at + FINDINGS_AT_ONCE]
            try:
                async with self._transaction() as session:
                    await self._taking.take(session, some)
            except Exception:
                raise_if_cancelled()
                self._meters.untold.inc(len(some))
                log.exception("findings of models could not be handed on", findings=len(some))
