"""Puts alarms that are raised under what explains them or together with those alike, and says what is told of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from alarms.detection import ConditionKey, Detection, EpisodeKey, condition_of
from alarms.events import AlarmGroupGrew
from alarms.flood.group import GroupKind
from alarms.flood.line_repository import Before, FloodFound, FloodInquiry
from alarms.flood.models import AlarmGroup
from alarms.flood.planning import FLAPS, WINDOW, FloodPlan, Newcomer
from alarms.flood.topology import Trouble, above, cause_of
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, TransitionRecord
from alarms.transition import TransitionKind
from building.severity import Severity
from catalog.directory import EquipmentEntry, LiveDirectory
from kit.clock import Clock

# By these an alarm that lasts and that nobody answered asks for attention, where nothing holds it back.
_ASKS = frozenset(
    {
        TransitionKind.REALARMED, TransitionKind.REAL_FIRE, TransitionKind.TEST_OVER, TransitionKind.UNSUPPRESSED,
        TransitionKind.UNSHELVED, TransitionKind.IN_SERVICE, TransitionKind.LOCKS_OFF,
    }
)  # fmt: skip
_WINDOW_MS = WINDOW // timedelta(milliseconds=1)


class FloodControl:
    def __init__(self, directory: LiveDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def inquiry(self, detections: Iterable[Detection]) -> FloodInquiry | None:
        """What has to be known before these are entered; None where nothing can come of them."""
        beginning = [each for each in detections if each.active and not each.life_safety]
        if not beginning:
            return None
        return self.inquiry_of(
            {each.equipment_id for each in beginning},
            sites={each.site_id for each in beginning},
            episodes={(*condition_of(each), each.onset_ms) for each in beginning},
        )

    def inquiry_of(
        self, equipment_ids: Iterable[UUID], *, sites: Iterable[UUID], episodes: Iterable[EpisodeKey] = ()
    ) -> FloodInquiry:
        by_id = self._directory.current.by_id
        upstream = {one.equipment_id for id_ in equipment_ids for one in above(id_, by_id)}
        since = self._clock.now() - WINDOW
        return FloodInquiry(set(sites), upstream, set(episodes), since=since, window_ms=_WINDOW_MS)

    def settle(self, alarms: Sequence[Alarm], found: FloodFound) -> FloodPlan:
        """Decides about alarms that ask for attention now (more than once, if they did), and writes on them what
        explains them, which group they are told with, and whether they flap. Life safety and tests are left alone."""
        plan = FloodPlan(found.book, now=self._clock.now())
        ours = {alarm.id: alarm for alarm in alarms if not alarm.life_safety and not alarm.is_test}
        self.find_roots(list(ours.values()), found.causes)
        times, latest = Counter(alarm.id for alarm in alarms), _latest(found.before)
        plan.take(
            [
                self._newcomer(alarm, times=times[id_], before=latest.get(_condition(alarm), Before()))
                for id_, alarm in ours.items()
            ]
        )
        for alarm in ours.values():
            alarm.group_id = plan.placed.get(alarm.id, alarm.group_id)
            self._mark(alarm, plan)
        return plan

    def find_roots(self, alarms: Sequence[Alarm], causes: Sequence[Alarm]) -> list[Alarm]:
        """Writes on alarms what explains them, or None; returns those that something does.

        The nearest to the top first, so that what is explained by one of these gets its root.
        """
        heads = self.heads_of([trouble_of(alarm) for alarm in alarms], [trouble_of(cause) for cause in causes])
        for alarm in alarms:
            alarm.root_id = heads.get(alarm.id)
        return [alarm for alarm in alarms if alarm.root_id is not None]

    def heads_of(self, orphans: Sequence[Trouble], causes: Sequence[Trouble]) -> dict[UUID, UUID]:
        """What the roots of these are, by id, where they have one."""
        by_id = self._directory.current.by_id
        lines = {one.id: above(one.equipment_id, by_id) for one in orphans}
        troubles: dict[UUID, list[Trouble]] = defaultdict(list)
        for cause in causes:
            if cause.id not in lines:
                troubles[cause.equipment_id].append(cause)
        heads: dict[UUID, UUID] = {}
        for one in sorted(orphans, key=lambda it: len(lines[it.id])):
            assert one.fault_mode is not None  # every alarm has one
            found = cause_of(lines[one.id], troubles, fault_mode=one.fault_mode, onset_at=one.opened_at)
            if found is not None:
                heads[one.id] = found.root_id or found.id
            troubles[one.equipment_id].append(replace(one, root_id=heads.get(one.id)))
        return heads

    def link(self, alarms: Sequence[Alarm], found: FloodFound) -> FloodPlan:
        """Puts alarms that have a root, and were told or not before, into its family."""
        plan = FloodPlan(found.book, now=self._clock.now())
        plan.take([self._newcomer(alarm, times=1, before=Before()) for alarm in alarms])
        for alarm in alarms:
            alarm.group_id = plan.placed[alarm.id]
        return plan

    def _mark(self, alarm: Alarm, plan: FloodPlan) -> None:
        if alarm.id in plan.quiet:
            alarm.attended_at = None
        if alarm.id not in plan.flapping:
            alarm.flapping_since = None
        elif alarm.flapping_since is None:
            alarm.flapping_since = self._clock.now()

    def _newcomer(self, alarm: Alarm, *, times: int, before: Before) -> Newcomer:
        """`times`: how often it asks for attention now."""
        entry: EquipmentEntry | None = self._directory.current.by_id.get(alarm.equipment_id)
        # A row that is new knows nothing yet: what its condition did before was told of the row before it.
        is_told = alarm.flapping_since is not None or alarm.episodes <= times
        return Newcomer(
            alarm_id=alarm.id,
            site_id=alarm.site_id,
            building_id=alarm.building_id,
            equipment_kind=entry.kind.value if entry is not None else "",
            severity=Severity(alarm.severity),
            root_id=alarm.root_id,
            group_id=alarm.group_id,
            onsets=times + before.onsets,
            is_known_to_flap=is_told and before.onsets >= FLAPS,
            is_worse=before.worst_rank is not None and alarm.severity_rank < before.worst_rank,
        )


@dataclass(frozen=True)
class Telling:
    """What becomes of a plan: `quiet` alarms are raised without a word, `events` are about groups."""

    quiet: frozenset[UUID] = frozenset()
    events: tuple[AlarmGroupGrew, ...] = field(default=())

    @classmethod
    def of(cls, plan: FloodPlan) -> "Telling":
        return cls(frozenset(plan.quiet), tuple(grown(group) for group in plan.told_groups))


def asking_among(moves: Iterable[tuple[Alarm, TransitionRecord]]) -> list[Alarm]:
    """The alarms that ask for attention by these moves, as often as they do."""
    return [alarm for alarm, entry in moves if _asks(alarm, TransitionKind(entry.kind))]


def _asks(alarm: Alarm, kind: TransitionKind) -> bool:
    if kind is TransitionKind.RAISED:
        return True
    if kind is TransitionKind.ESCALATED:
        return alarm.suppressed_by is None
    is_there = alarm.is_present and alarm.state == AlarmState.UNACKED
    return kind in _ASKS and is_there and alarm.suppressed_by is None


def trouble_of(alarm: Alarm) -> Trouble:
    return Trouble(alarm.id, alarm.equipment_id, alarm.episode_onset_at, alarm.fault_mode, alarm.root_id)


def grown(group: AlarmGroup) -> AlarmGroupGrew:
    return AlarmGroupGrew(
        site_id=group.site_id,
        group_id=group.id,
        kind=GroupKind(group.kind),
        root_id=group.root_id,
        building_id=group.building_id,
        equipment_kind=group.equipment_kind,
        alarms=group.alarms,
        severity=Severity(group.severity),
        telling=group.tellings,
    )


def _condition(alarm: Alarm) -> ConditionKey:
    return alarm.equipment_id, alarm.source, alarm.source_id


def _latest(before: Mapping[EpisodeKey, Before]) -> dict[ConditionKey, Before]:
    """What was before the latest stretch of each condition."""
    by_time = sorted(before.items(), key=lambda item: item[0][3])
    return {(equipment_id, source, source_id): of for (equipment_id, source, source_id, _), of in by_time}
