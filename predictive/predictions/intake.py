"""Where findings come in: each opens a prediction, speaks for one that is open, or takes back what it said of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import OrderJoining
from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry, LiveDirectory
from kit.access import Scope
from kit.clock import Clock, from_ms, to_ms
from kit.ids import new_id
from predictive.predictions import repository
from predictive.predictions.announcing import Announcing, Change
from predictive.predictions.finding import DaysLeft, Finding, Method
from predictive.predictions.life import Happening, HeldBack, PredictionState, next_state
from predictive.predictions.models import Prediction, PredictionVoice
from predictive.predictions.policy import Costs, Decision, Visit, costs_of, decide
from predictive.predictions.reason import Reasons
from predictive.predictions.settings import PredictionSettings
from predictive.predictions.visits import PlannedVisits
from predictive.predictions.voices import Chorus, Voice, as_json, of_json, together

GROUPED_WITHIN = timedelta(days=1)
_DAY_S = 86_400.0

# Equipment, mode, and of a model on trial its method: what is open of each at most once.
Slot: TypeAlias = tuple[UUID, str, str | None]


@dataclass
class _Desk:
    """What is looked up once for all findings that came together."""

    now: datetime
    rows: dict[Slot, Prediction]
    voices: dict[UUID, dict[Method, Voice]]
    muted: set[tuple[UUID, str, str]]
    answered: set[tuple[UUID, str]]
    costs: Mapping[tuple[UUID, str], Costs]
    visits: Mapping[UUID, datetime]
    ordered: dict[tuple[UUID, str], int]
    changes: list[Change] = field(default_factory=list)

    def is_muted(self, entry: EquipmentEntry, method: Method) -> bool:
        return (entry.site_id, method.value, entry.kind.value) in self.muted


class Intake:
    """`visits`: when somebody is at an equipment anyway."""

    def __init__(
        self, *, announcing: Announcing, reasons: Reasons, visits: PlannedVisits, directory: LiveDirectory,
        settings: PredictionSettings, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._announcing = announcing
        self._reasons = reasons
        self._visits = visits
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._left_out = Counter(
            "hub_findings_left_out", "Findings of equipment that is gone, elsewhere or out of service.",
            registry=registry,
        )  # fmt: skip

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None:
        """Takes in what models found; the same again changes nothing but when it was last found.

        Findings of equipment that is not in the directory, or out of service, are counted and left out.
        """
        known = [(finding, entry) for finding in findings if (entry := self._entry(finding)) is not None]
        if len(known) < len(findings):
            self._left_out.inc(len(findings) - len(known))
        if not known:
            return
        await repository.take_turns(session)
        desk = await self._desk(session, [entry for _, entry in known])
        said: dict[Slot, list[Finding]] = defaultdict(list)
        entries: dict[UUID, EquipmentEntry] = {}
        for finding, entry in known:
            said[_slot(finding)].append(finding)
            entries[entry.equipment_id] = entry
        for slot, together_said in said.items():
            await self._hear(session, desk, slot, together_said, entries[slot[0]])
        await self._announcing.tell(session, desk.changes)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _entry(self, finding: Finding) -> EquipmentEntry | None:
        entry = self._directory.current.by_id.get(finding.equipment_id)
        is_ours = entry is not None and entry.site_id == finding.site_id and entry.in_service
        return entry if is_ours else None

    async def _desk(self, session: AsyncSession, entries: Sequence[EquipmentEntry]) -> _Desk:
        now, everywhere = self._clock.now(), Scope.everywhere()
        ids = {entry.equipment_id for entry in entries}
        sites = {entry.site_id for entry in entries}
        buildings = {entry.building_id for entry in entries if entry.building_id is not None}
        rows = await repository.open_of(session, ids)
        voices: dict[UUID, dict[Method, Voice]] = defaultdict(dict)
        for kept in await repository.voices(session, [row.id for row in rows]):
            voices[kept.prediction_id][Method(kept.method)] = _voice(kept)
        mutings = await repository.mutings(session, everywhere)
        quiet_since = now - timedelta(days=self._settings.quiet_days)
        return _Desk(
            now=now,
            rows={_slot_of(row): row for row in rows},
            voices=voices,
            muted={(one.site_id, one.method, one.equipment_kind) for one in mutings},
            answered=await repository.answered_false(session, ids, since=quiet_since),
            costs={
                (one.site_id, one.equipment_kind): Costs(one.visit, one.failure)
                for one in await repository.costs(session, everywhere, sites)
            },
            visits=await self._visits.next_visits(session, ids, after=now),
            ordered=await repository.raised_in(session, buildings, since=now - GROUPED_WITHIN),
        )

    async def _hear(
        self, session: AsyncSession, desk: _Desk, slot: Slot, said: Sequence[Finding], entry: EquipmentEntry
    ) -> None:
        row = desk.rows.get(slot)
        voices = dict(desk.voices[row.id]) if row is not None else {}
        # Told out of order, the latest word of each method counts.
        for finding in sorted(said, key=lambda one: one.at_ms):
            if finding.at_ms >= (voices[finding.method].at_ms if finding.method in voices else 0):
                voices[finding.method] = Voice.of(finding)
        chorus = self._chorus(desk, entry, voices)
        if row is None and chorus is None:
            return  # taken back what was never said
        before = None if row is None else PredictionState(row.state)
        if chorus is None:
            assert row is not None  # else nothing was left to do
            row.state = next_state(PredictionState(row.state), Happening.GONE, held_back=None)
            desk.changes.append(Change(row, before))
        else:
            row = desk.rows[slot] = row or _new(desk, slot, entry)
            desk.changes.append(self._heard(desk, row, before, entry, chorus))
            session.add(row)
        await session.flush()
        for finding in said:
            await repository.keep_voice(session, **_voice_values(row, voices[finding.method]))

    def _heard(
        self, desk: _Desk, row: Prediction, before: PredictionState | None, entry: EquipmentEntry, chorus: Chorus
    ) -> Change:
        decision = self._decide(desk, entry, chorus)
        held_back = _held_back(desk, row, chorus)
        row.held_back = None if held_back is None else held_back.value
        row.state = next_state(PredictionState(row.state), decision.happening, held_back=held_back)
        _write(row, chorus, decision, expires_at=from_ms(chorus.lead.at_ms) + self._lasting)
        row.reason = self._reasons.of(entry, row.mode, chorus)
        joins = OrderJoining.FAULT
        if row.state == PredictionState.ORDERED and before is not PredictionState.ORDERED:
            row.visit_at = desk.visits[entry.equipment_id] if decision.folds else None
            joins = self._joins(desk, row)
        return Change(row, before, joins)

    def _chorus(self, desk: _Desk, entry: EquipmentEntry, voices: Mapping[Method, Voice]) -> Chorus | None:
        """A method that is muted leads only where no other speaks: then it is kept, and raises nothing."""
        heard_after_ms = to_ms(desk.now - self._lasting)
        audible = [voice for voice in voices.values() if not desk.is_muted(entry, voice.method)]
        return together(audible, heard_after_ms=heard_after_ms) or together(
            voices.values(), heard_after_ms=heard_after_ms
        )

    @property
    def _lasting(self) -> timedelta:
        return timedelta(days=self._settings.expires_days)

    def _decide(self, desk: _Desk, entry: EquipmentEntry, chorus: Chorus) -> Decision:
        kind = EquipmentKind(entry.kind)
        visit_at = desk.visits.get(entry.equipment_id)
        visit = None if visit_at is None else Visit((visit_at - desk.now).total_seconds() / _DAY_S)
        return decide(
            confidence=chorus.lead.confidence, days_left=chorus.days_left,
            costs=desk.costs.get((entry.site_id, kind.value)) or costs_of(kind), rules=self._settings.rules,
            waste_a_day=chorus.waste_a_day, next_visit=visit,
        )  # fmt: skip

    def _joins(self, desk: _Desk, row: Prediction) -> OrderJoining:
        """Somebody who is sent to an equipment looks at all that is predicted of it; and what is predicted of a whole
        building at once has one cause more often than not: one order, not fifty."""
        if any(one is not row and _is_ordered(one, row.equipment_id) for one in desk.rows.values()):
            return OrderJoining.EQUIPMENT
        if row.building_id is None:
            return OrderJoining.FAULT
        key = row.building_id, row.mode
        desk.ordered[key] = desk.ordered.get(key, 0) + 1
        return OrderJoining.BUILDING if desk.ordered[key] >= self._settings.group_from else OrderJoining.FAULT


def _new(desk: _Desk, slot: Slot, entry: EquipmentEntry) -> Prediction:
    return Prediction(
        id=new_id(), site_id=entry.site_id, equipment_id=entry.equipment_id, building_id=entry.building_id,
        equipment_code=entry.code, equipment_kind=entry.kind.value, mode=slot[1], is_shadow=slot[2] is not None,
        state=PredictionState.OPEN.value, opened_at=desk.now, note="",
    )  # fmt: skip


def _slot(finding: Finding) -> Slot:
    return finding.equipment_id, finding.mode, finding.method.value if finding.is_shadow else None


def _slot_of(row: Prediction) -> Slot:
    return row.equipment_id, row.mode, row.method if row.is_shadow else None


def _is_ordered(row: Prediction, equipment_id: UUID) -> bool:
    return row.equipment_id == equipment_id and row.state == PredictionState.ORDERED


def _held_back(desk: _Desk, row: Prediction, chorus: Chorus) -> HeldBack | None:
    if row.is_shadow:
        return HeldBack.SHADOW
    if (row.site_id, chorus.lead.method.value, row.equipment_kind) in desk.muted:
        return HeldBack.MUTED
    return HeldBack.ANSWERED if (row.equipment_id, row.mode) in desk.answered else None


def _write(row: Prediction, chorus: Chorus, decision: Decision, *, expires_at: datetime) -> None:
    lead, left = chorus.lead, chorus.days_left
    row.method, row.model_id = lead.method.value, lead.model_id
    row.confidence, row.score = lead.confidence, lead.score
    row.since_at, row.found_at, row.expires_at = from_ms(chorus.since_ms), from_ms(lead.at_ms), expires_at
    row.days_low, row.days_median, row.days_high = _days(left)
    row.points = as_json(lead.points)
    row.of_going, row.of_waiting = _money(decision.of_going), _money(decision.of_waiting)
    row.fails_in_time = decision.fails_in_time


def _money(amount: float) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"))


def _days(left: DaysLeft | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if left is None else (left.low, left.median, left.high)


def _voice(kept: PredictionVoice) -> Voice:
    left = None
    if kept.days_low is not None and kept.days_median is not None and kept.days_high is not None:
        left = DaysLeft(low=kept.days_low, median=kept.days_median, high=kept.days_high)
    return Voice(
        method=Method(kept.method), model_id=kept.model_id, is_present=kept.is_present, at_ms=to_ms(kept.at),
        since_ms=to_ms(kept.since_at), confidence=kept.confidence, score=kept.score, days_left=left,
        waste_a_day=kept.waste_a_day, points=of_json(kept.points),
    )  # fmt: skip


def _voice_values(row: Prediction, voice: Voice) -> dict[str, object]:
    low, median, high = _days(voice.days_left)
    return {
        "prediction_id": row.id, "method": voice.method.value, "site_id": row.site_id, "model_id": voice.model_id,
        "is_present": voice.is_present, "at": from_ms(voice.at_ms), "since_at": from_ms(voice.since_ms),
        "confidence": voice.confidence, "score": voice.score, "days_low": low, "days_median": median,
        "days_high": high, "waste_a_day": voice.waste_a_day, "points": as_json(voice.points),
    }  # fmt: skip
