"""What can be asked about floods, and answered: groups, nuisances, and how much is asked of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.announcing import save_moves
from alarms.flood import figures_repository, repository
from alarms.flood.errors import AlarmGroupNotFound, LoadSpanNotPossible
from alarms.flood.figures import WORST_RULES, Advice, LoadFigures, RuleFigures, advice_for, load_of, shares
from alarms.flood.figures_repository import Chatterer, Span
from alarms.flood.models import AlarmGroup
from alarms.flood.repository import GroupFilter, OpenCount
from alarms.ledger import record
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.models import Alarm
from alarms.transition import TransitionKind
from catalog.errors import SiteNotFound
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language, Texts
from kit.totals import Total

LONGEST_SPAN = timedelta(days=92)
USUAL_SPAN = timedelta(days=7)


@dataclass(frozen=True)
class WorstRule:
    """`share` is of all announcements of the time, 0…1; `words` is the proposal by language."""

    figures: RuleFigures
    share: float
    advice: Advice
    words: Mapping[str, str]


@dataclass(frozen=True)
class AlarmLoad:
    """`told` counts what people were told of the announcements; `standing` and `severities` as in the repository."""

    since: datetime
    until: datetime
    operators: int
    load: LoadFigures
    told: int
    severities: Mapping[str, float]
    standing: Mapping[str, int]
    worst: Sequence[WorstRule]


class FloodService:
    def __init__(self, texts: Texts, clock: Clock) -> None:
        self._texts = texts
        self._clock = clock

    async def groups(
        self, session: AsyncSession, scope: Scope, wanted: GroupFilter, *, limit: int, offset: int
    ) -> tuple[Sequence[AlarmGroup], Total]:
        """The latest first."""
        return await repository.find_groups(session, scope, wanted, limit=limit, offset=offset)

    async def group(self, session: AsyncSession, scope: Scope, group_id: UUID) -> AlarmGroup:
        """Raises AlarmGroupNotFound."""
        found = await repository.group(session, scope, group_id)
        if found is None:
            raise AlarmGroupNotFound(group_id)
        return found

    async def open_counts(self, session: AsyncSession, groups: Sequence[AlarmGroup]) -> Mapping[UUID, OpenCount]:
        """By group, where some of its alarms are not NORMAL."""
        return await repository.open_counts(session, [group.id for group in groups])

    async def acknowledge(
        self, session: AsyncSession, scope: Scope, group_id: UUID, *, actor: UUID | None, note: str = ""
    ) -> AlarmGroup:
        """Acknowledges every alarm of a group that nobody has, of a family what explains it too: each has it in its own
        history. What joins later asks for itself. Where nothing is left to acknowledge nothing happens.

        Raises AlarmGroupNotFound.
        """
        group = await self.group(session, scope, group_id)
        moves = []
        for alarm in await repository.unanswered(session, group):
            before, now = AlarmState(alarm.state), self._clock.now()
            alarm.state = next_state(before, AlarmInput.ACKNOWLEDGE, latches=alarm.life_safety)
            alarm.acknowledged_at, alarm.acknowledged_by, alarm.attended_at, alarm.reminders = now, actor, now, 0
            if alarm.state == AlarmState.NORMAL:
                alarm.cleared_at = now
            kind = TransitionKind.ACKNOWLEDGED
            moves.append((alarm, record(alarm, kind, before=before, at=now, now=now, actor_id=actor, note=note)))
        await save_moves(session, moves)
        return group

    async def flapping(
        self, session: AsyncSession, scope: Scope, *, limit: int, offset: int
    ) -> tuple[Sequence[Alarm], Total]:
        return await repository.flapping(session, scope, limit=limit, offset=offset)

    async def stale(
        self, session: AsyncSession, scope: Scope, *, older_than: timedelta, limit: int, offset: int
    ) -> tuple[Sequence[Alarm], Total]:
        now = self._clock.now()
        return await repository.stale(session, scope, now=now, older_than=older_than, limit=limit, offset=offset)

    async def chattering(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, since: datetime | None,
        until: datetime | None, limit: int,
    ) -> list[Chatterer]:  # fmt: skip
        """The worst first. Without times, of the last week. Raises LoadSpanNotPossible, SiteNotFound."""
        span = self._span(scope, site_id=site_id, since=since, until=until)
        return await figures_repository.chattering(session, span, limit=limit)

    async def load(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, since: datetime | None,
        until: datetime | None, operators: int,
    ) -> AlarmLoad:  # fmt: skip
        """Figures after EEMUA 191, the worst rules with a proposal each. Raises LoadSpanNotPossible, SiteNotFound."""
        span = self._span(scope, site_id=site_id, since=since, until=until)
        stretches = await figures_repository.stretches(session, span)
        load = load_of(stretches, since=span.since, until=span.until, operators=operators)
        now = self._clock.now()
        worst = await figures_repository.worst_rules(session, span, now=now, limit=WORST_RULES)
        return AlarmLoad(
            since=span.since,
            until=span.until,
            operators=operators,
            load=load,
            told=await figures_repository.notices(session, span),
            severities=shares(await figures_repository.by_severity(session, span)),
            standing=await figures_repository.standing(session, span, now=now),
            worst=[self._worst(rule, load) for rule in worst],
        )

    # --- inside ----------------------------------------------------------------------------------------------------

    def _span(self, scope: Scope, *, site_id: UUID | None, since: datetime | None, until: datetime | None) -> Span:
        if site_id is not None and not scope.allows(site_id):
            raise SiteNotFound(site_id)
        until = until or self._clock.now()
        since = since or until - USUAL_SPAN
        if not timedelta(0) < until - since <= LONGEST_SPAN:
            raise LoadSpanNotPossible(since.isoformat(), until.isoformat(), LONGEST_SPAN.days)
        return Span(scope, site_id, since, until)

    def _worst(self, rule: RuleFigures, load: LoadFigures) -> WorstRule:
        advice = advice_for(rule)
        facts = {
            "percent": round(advice.share * 100),
            "seconds": advice.seconds if advice.seconds is not None else "",
            "equipment": rule.top_equipment or "",
            "rule": rule.source_id,
        }
        key = f"alarms.proposal.{advice.proposal.value}"
        words = {language.value: self._texts.text(key, language, **facts) for language in Language}
        return WorstRule(rule, rule.announcements / load.announcements, advice, words)
