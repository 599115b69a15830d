"""Replays a draft and the rule as it is now over the same history, and says what each would have done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.directory import EquipmentEntry, LiveDirectory
from insight.rules.answer import differing, side
from insight.rules.schemas import ReplayAnswerOut, ReplaySideOut
from kit.access import Scope
from kit.clock import Clock, from_ms, to_ms
from kit.db import Database
from rules.replay.engine import Replay
from rules.replay.episode import Episode
from rules.replay.running import Progress, run, warm_up_ms
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from telemetry.history import READINGS_A_STRETCH
from telemetry.store import TelemetryQueries
from ticketing.outcome_book import OutcomeBook
from ticketing.outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`present`: the rule as it is now, None where none is in force. `scope`: whose equipment and orders count."""

    draft: CompiledRule
    present: CompiledRule | None
    scope: Scope
    since: datetime
    until: datetime
    tolerance_h: float


@dataclass(frozen=True)
class _Contestant:
    rule: CompiledRule
    replay: Replay

    @property
    def entries(self) -> dict[UUID, EquipmentEntry]:
        return {entry.equipment_id: entry for group in self.replay.rules.groups for entry in group.equipment}


class Replaying:
    """`readings`: how many are held at a time; fewer where the store answers in messages."""

    def __init__(
        self, *, database: Database, queries: TelemetryQueries, directory: LiveDirectory, outcomes: OutcomeBook,
        clock: Clock, readings: int = READINGS_A_STRETCH,
    ) -> None:  # fmt: skip
        self._database = database
        self._queries = queries
        self._directory = directory
        self._outcomes = outcomes
        self._clock = clock
        self._readings = readings

    def covers(self, rule: CompiledRule, scope: Scope) -> int:
        """How many equipments of the scope the rule is for."""
        return len(self._laid_out(rule, scope, []).entries)

    async def answer(self, asked: Asked, on_progress: Progress) -> ReplayAnswerOut:
        """Raises ReplayStopped, QueryTooSlow, StoreUnavailable."""
        begun_s = self._clock.monotonic()
        failing: list[str] = []
        draft = self._laid_out(asked.draft, asked.scope, failing)
        present = None if asked.present is None else self._laid_out(asked.present, asked.scope, [])
        both = [draft] if present is None else [draft, present]
        until_ms = to_ms(asked.until)
        readings = await run(
            [one.replay for one in both], self._queries, since_ms=to_ms(asked.since), until_ms=until_ms,
            on_progress=on_progress, readings=self._readings,
        )  # fmt: skip
        found = [one.replay.episodes(until_ms=until_ms) for one in both]
        outcomes = await self._outcomes_for(asked, both)
        sides = [self._side(asked, one, some, outcomes) for one, some in zip(both, found, strict=True)]
        spans = [[one for one in some if one.end_ms is None or one.end_ms > to_ms(asked.since)] for some in found]
        return ReplayAnswerOut(
            draft=sides[0],
            present=sides[1] if present is not None else None,
            only_draft=differing(spans[0], spans[1]) if present is not None else 0,
            only_present=differing(spans[1], spans[0]) if present is not None else 0,
            readings=readings,
            took_s=round(self._clock.monotonic() - begun_s, 1),
            failing=sorted(set(failing)),
        )

    # --- inside ----------------------------------------------------------------------------------------------------

    def _laid_out(self, rule: CompiledRule, scope: Scope, failing: list[str]) -> _Contestant:
        entries = [one for one in self._directory.current.entries if scope.allows(one.site_id)]
        rules = RuleSet.of([rule], entries, life_safety=rule.rule.life_safety)
        return _Contestant(rule, Replay(rules, on_failure=lambda _, error: failing.append(repr(error))))

    async def _outcomes_for(self, asked: Asked, both: Sequence[_Contestant]) -> list[Outcome]:
        equipment_ids = {equipment_id for one in both for equipment_id in one.entries}
        before_ms = max(warm_up_ms(one.replay.rules) for one in both) + round(asked.tolerance_h * 3_600_000)
        async with self._database.transaction() as session:
            return await self._outcomes.of_equipment(
                session, asked.scope, equipment_ids, since=from_ms(to_ms(asked.since) - before_ms),
                until=from_ms(to_ms(asked.until) + round(asked.tolerance_h * 3_600_000)),
            )  # fmt: skip

    def _side(
        self, asked: Asked, one: _Contestant, found: Sequence[Episode], outcomes: Sequence[Outcome]
    ) -> ReplaySideOut:
        entries = one.entries
        return side(
            found, [order for order in outcomes if order.equipment_id in entries], entries,
            since_ms=to_ms(asked.since), until_ms=to_ms(asked.until), tolerance_h=asked.tolerance_h,
            fault_mode=one.rule.rule.fault_mode,
        )  # fmt: skip
