"""Replays that people ask for: one at a time a person, run by a job, shown while they run, and cancelled by a word."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from procrastinate import App
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from insight.rules import errors, repository
from insight.rules.models import ReplayState, RuleReplay
from insight.rules.replaying import Asked, Replaying
from insight.rules.schemas import ReplayIn
from kit.access import Scope
from kit.clock import Clock
from kit.db import Database
from kit.errors import DomainError
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from rules.kept_text import readable
from rules.replay.running import ReplayStopped
from rules.rule import CompiledRule
from rules.schemas import RuleDefinition
from rules.service import RuleService

log = logger(__name__)

REPLAY_JOB: Final = "insight.replay_rule"
LONGEST: Final = timedelta(days=92)
USUAL: Final = timedelta(days=30)
KEPT: Final = timedelta(days=90)
SHOWN: Final = 20


class RuleReplays:
    def __init__(self, *, replaying: Replaying, rules: RuleService, database: Database, app: App, clock: Clock) -> None:
        self._replaying = replaying
        self._rules = rules
        self._database = database
        self._app = app
        self._clock = clock

    def job(self) -> JobKind:
        return JobKind(REPLAY_JOB, self.replay)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("insight.forget_replays", "17 4 * * *", self.forget),)

    # --- what people do --------------------------------------------------------------------------------------------

    async def ask(self, session: AsyncSession, scope: Scope, wanted: ReplayIn, *, person_id: UUID) -> RuleReplay:
        """Raises ReplayUnderWay, ReplayTooLong, ReplaySpanEmpty, ReplayCoversNothing, RuleNotFound and whatever is
        wrong with the draft."""
        definition = await self._definition(session, scope, wanted)
        self._check(definition, scope)
        since, until = self._span(wanted)
        site_ids = None if scope.site_ids is None else sorted(str(one) for one in scope.site_ids)
        replay_id = await repository.add(
            session,
            {
                "person_id": person_id, "site_ids": site_ids, "rule_key": definition.key,
                "definition": definition.model_dump(mode="json"), "since": since, "until": until,
                "tolerance_h": wanted.tolerance_h, "state": ReplayState.WAITING.value, "progress": 0.0,
                "cancelling": False, "asked_at": self._clock.now(),
            },
        )  # fmt: skip
        if replay_id is None:
            running = await repository.under_way(session, person_id)
            raise errors.ReplayUnderWay(str(running.id) if running else "")
        await defer(session, self._app, REPLAY_JOB, replay_id=str(replay_id))
        return await self.get(session, replay_id, person_id=person_id)

    async def get(self, session: AsyncSession, replay_id: UUID, *, person_id: UUID) -> RuleReplay:
        """Raises ReplayNotFound."""
        row = await repository.get(session, replay_id, person_id=person_id)
        if row is None:
            raise errors.ReplayNotFound(str(replay_id))
        return row

    async def find(self, session: AsyncSession, *, person_id: UUID) -> Sequence[RuleReplay]:
        """The person's last ones, the newest first."""
        return await repository.of_person(session, person_id, limit=SHOWN)

    async def cancel(self, session: AsyncSession, replay_id: UUID, *, person_id: UUID) -> RuleReplay:
        """Ends it at its next stretch of history; one that is over stays as it is. Raises ReplayNotFound."""
        row = await self.get(session, replay_id, person_id=person_id)
        await repository.cancel(session, row.id)
        await session.refresh(row)
        return row

    # --- the hub's own work ----------------------------------------------------------------------------------------

    async def replay(self, _session: AsyncSession, *, replay_id: str) -> None:
        """A worker that was killed half-way: another begins it anew."""
        wanted = UUID(replay_id)

        async def note(progress: float) -> bool:
            async with self._database.transaction() as session:
                return await repository.go_on(session, wanted, progress=min(progress, 1.0))

        try:
            if not await note(0.0):
                raise ReplayStopped
            answer = await self._replaying.answer(await self._asked(wanted), note)
        except ReplayStopped:
            await self._end(wanted, ReplayState.CANCELLED)
        except (DomainError, ValidationError) as error:
            log.warning("replay failed", replay_id=replay_id, error=str(error))
            await self._end(wanted, ReplayState.FAILED, failure=_code(error))
        except Exception:  # the person is told and may ask again; tried again by itself it would fail again
            log.exception("replay failed", replay_id=replay_id)
            await self._end(wanted, ReplayState.FAILED, failure="unexpected")
        else:
            await self._end(wanted, ReplayState.DONE, answer=answer.model_dump(mode="json"))

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget(session, before=self._clock.now() - KEPT)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _definition(self, session: AsyncSession, scope: Scope, wanted: ReplayIn) -> RuleDefinition:
        if wanted.definition is not None:
            return wanted.definition
        if wanted.key is None:
            raise errors.NoRuleToReplay
        return readable(await self._rules.get(session, scope, wanted.key))

    def _check(self, definition: RuleDefinition, scope: Scope) -> None:
        compiled = self._rules.compiled(definition)
        if not self._replaying.covers(compiled, scope):
            raise errors.ReplayCoversNothing(definition.key)

    def _span(self, wanted: ReplayIn) -> tuple[datetime, datetime]:
        now = self._clock.now()
        until = min(wanted.until or now, now)
        since = wanted.since or until - USUAL
        if since >= until:
            raise errors.ReplaySpanEmpty
        if until - since > LONGEST:
            raise errors.ReplayTooLong(LONGEST.days)
        return since, until

    async def _asked(self, replay_id: UUID) -> Asked:
        async with self._database.transaction() as session:
            row = await repository.get(session, replay_id)
            if row is None:
                raise errors.ReplayNotFound(str(replay_id))
            present = await self.present(session, row.rule_key)
            scope = Scope(None if row.site_ids is None else frozenset(UUID(one) for one in row.site_ids))
            draft = self._rules.compiled(RuleDefinition.model_validate(row.definition))
            return Asked(
                draft=draft, present=present, scope=scope, since=row.since, until=row.until, tolerance_h=row.tolerance_h
            )

    async def present(self, session: AsyncSession, key: str) -> CompiledRule | None:
        """The rule of that key that is in force."""
        book = await self._rules.book(session)
        return next((one for one in book.rules if one.rule.key == key), None)

    async def _end(
        self, replay_id: UUID, state: ReplayState, *, answer: dict[str, Any] | None = None, failure: str | None = None
    ) -> None:
        async with self._database.transaction() as session:
            now = self._clock.now()
            await repository.end(session, replay_id, state, at=now, answer=answer, failure=failure)


def _code(error: Exception) -> str:
    return error.code() if isinstance(error, DomainError) else "rule_changed"
