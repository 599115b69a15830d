"""Two persons let an action be done, or one says no."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from linkage import repository
from linkage.errors import LinkageRunNotFound, RunNotAwaiting, SecondPersonNeeded
from linkage.models import LinkageRun
from linkage.rule import RunState
from linkage.running import Running


class Confirming:
    def __init__(self, running: Running, clock: Clock) -> None:
        self._running = running
        self._clock = clock

    async def confirm(self, session: AsyncSession, scope: Scope, run_id: UUID, *, by: UUID) -> LinkageRun:
        """The second one sets it going. Raises LinkageRunNotFound, RunNotAwaiting, SecondPersonNeeded."""
        run = await self._awaiting(session, scope, run_id)
        if run.confirmed_by is None:
            run.confirmed_by, run.confirmed_at = by, self._clock.now()
            await session.flush()
            return run
        if run.confirmed_by == by:
            raise SecondPersonNeeded
        run.seconded_by = by
        await self._running.confirmed(session, run)
        return run

    async def reject(self, session: AsyncSession, scope: Scope, run_id: UUID, *, by: UUID) -> LinkageRun:
        """Raises LinkageRunNotFound, RunNotAwaiting."""
        run = await self._awaiting(session, scope, run_id)
        run.rejected_by = by
        await self._running.end(session, run, RunState.REJECTED)
        return run

    async def _awaiting(self, session: AsyncSession, scope: Scope, run_id: UUID) -> LinkageRun:
        run = await repository.lock_run(session, scope, run_id)
        if run is None:
            raise LinkageRunNotFound(run_id)
        if run.state != RunState.AWAITING or self._clock.now() > run.expires_at:
            is_late = run.state == RunState.AWAITING
            raise RunNotAwaiting(RunState.LAPSED if is_late else run.state)
        return run
