"""What is told of a flood, and how: pure.

A site is told of an alarm by itself as long as that helps. Alarms that one alarm explains belong to its family. Several
alike within ten minutes become a group: of one kind of equipment in one building, or in several. What comes beyond
`SEPARATE_MAX` separate tellings goes together in one group of the site. Nothing is left out: every alarm is raised, is
listed, and counts in its group, and groups that grow are told again, within `NOTICES_MAX` in any ten minutes.

Life safety never comes here.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar, assert_never
from uuid import UUID

from alarms.flood.group import GroupKind
from alarms.flood.models import AlarmGroup, AlarmNotice
from building.severity import Severity
from kit.ids import new_id

# An operator deals with one alarm in ten minutes at length, and with ten at most (EEMUA 191).
WINDOW = timedelta(minutes=10)
NOTICES_MAX = 10
# Of those, so many for what is told by itself; the rest is for the group of the site and for groups that grow.
SEPARATE_MAX = 6
# So many alike are told together: alarms of a kind in one building, or buildings with alarms of the kind.
ALIKE_MIN = 3
# A group that goes on for longer is another one: somebody should hear of it anew.
LONGEST = timedelta(hours=1)
# A condition that began so often within WINDOW flaps: that is told, and then no more until it stays or stays away.
FLAPS = 5
# One that flaps and then stays for so long is there: somebody is told, who was not while it came and went.
STAYS = timedelta(minutes=5)

# Where alarms are alike: kind of equipment and building.
Cell = tuple[str, UUID | None]

Thing = TypeVar("Thing")
Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """An alarm that asks for attention now. `group_id`: that it belonged to before; `root_id`: what explains it.

    `onsets`: how often its condition, or a level of it, began within WINDOW, this time included. `is_known_to_flap`:
    that was told. `is_worse`: it is worse now than it was at any of those times.
    """

    alarm_id: UUID
    site_id: UUID
    building_id: UUID | None
    equipment_kind: str
    severity: Severity
    root_id: UUID | None = None
    group_id: UUID | None = None
    onsets: int = 1
    is_known_to_flap: bool = False
    is_worse: bool = False

    @property
    def cell(self) -> Cell:
        return self.equipment_kind, self.building_id


@dataclass
class FloodBook:
    """What is known of the sites: groups that something joined within WINDOW, families of what is asked about, and
    notices within WINDOW."""

    groups: list[AlarmGroup] = field(default_factory=list)
    notices: list[AlarmNotice] = field(default_factory=list)


@dataclass(frozen=True)
class Unit:
    """What would be told as one: an alarm, or some that are alike."""

    newcomers: tuple[Newcomer, ...]
    kind: GroupKind | None = None
    told_before: frozenset[UUID] = frozenset()
    """Alarms that were told by themselves and belong to it, as it turns out."""

    @property
    def worst(self) -> Severity:
        return min((one.severity for one in self.newcomers), key=lambda severity: severity.rank)


class FloodPlan:
    """One batch's worth of decisions. Works on the book: its groups and notices are what they will be.

    `placed` says of each newcomer which group it belongs to, None where it is told by itself; those of `quiet` flap and
    are not told; `flapping` is what is to be marked so. `regrouped` are alarms told before that belong to a new group.
    """

    def __init__(self, book: FloodBook, *, now: datetime) -> None:
        self._book = book
        self._now = now
        self.placed: dict[UUID, UUID | None] = {}
        self.quiet: set[UUID] = set()
        self.flapping: set[UUID] = set()
        self.regrouped: dict[UUID, UUID] = {}
        self.new_groups: list[AlarmGroup] = []
        self.changed_groups: dict[UUID, AlarmGroup] = {}
        self.new_notices: list[AlarmNotice] = []
        self.changed_notices: dict[UUID, AlarmNotice] = {}
        self.told_groups: list[AlarmGroup] = []
        self._groups = {group.id: group for group in book.groups}

    def take(self, newcomers: Sequence[Newcomer]) -> None:
        by_site: dict[UUID, list[Newcomer]] = defaultdict(list)
        for one in newcomers:
            if self._is_news(one):
                by_site[one.site_id].append(one)
        for site_id, ours in by_site.items():
            pending = [one for one in ours if not self._joins(one)]
            units = _widened(_alike(pending, self._told_cells(site_id)), self._busy_cells(site_id))
            self._tell(site_id, units)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _is_news(self, one: Newcomer) -> bool:
        """Notes what flaps; the first time it does is told like any alarm, and so is what became worse."""
        if one.onsets < FLAPS:
            return True
        self.flapping.add(one.alarm_id)
        if one.is_known_to_flap and not one.is_worse:
            self.quiet.add(one.alarm_id)
        return one.alarm_id not in self.quiet

    def _joins(self, one: Newcomer) -> bool:
        """Whether something that goes on takes it in: its root's family, else the narrowest group that fits."""
        group = self._family(one) if one.root_id is not None else self._fitting(one)
        if group is None:
            return False
        self.placed[one.alarm_id] = group.id
        if one.group_id != group.id:
            self._grow(group, [one], also=0)
        elif one.severity.rank < group.severity_rank:
            self._worsen(group, one)
            if one.root_id is not None:
                # A family may be days old, and only groups of which something is new are told again.
                group.last_at = self._now
        return True

    def _family(self, one: Newcomer) -> AlarmGroup:
        for group in self._groups.values():
            if group.root_id == one.root_id:
                return group
        return self._open(GroupKind.ROOT, one, root_id=one.root_id)

    def _fitting(self, one: Newcomer) -> AlarmGroup | None:
        fitting = [group for group in self._groups.values() if self._goes_on(group) and _fits(group, one)]
        widths = list(GroupKind)
        return min(fitting, key=lambda group: widths.index(GroupKind(group.kind)), default=None)

    def _goes_on(self, group: AlarmGroup) -> bool:
        return self._now - group.last_at <= WINDOW and self._now - group.opened_at <= LONGEST

    def _told_cells(self, site_id: UUID) -> dict[Cell, set[UUID]]:
        """Alarms told by themselves lately, and not regrouped since, by cell."""
        cells: dict[Cell, set[UUID]] = defaultdict(set)
        for notice in self._lately(site_id):
            if notice.alarm_id is not None and notice.group_id is None:
                cells[notice.equipment_kind, notice.building_id].add(notice.alarm_id)
        return cells

    def _busy_cells(self, site_id: UUID) -> dict[Cell, set[UUID]]:
        """As `_told_cells`, and with the cells of groups told lately, whose alarms know where they belong."""
        cells = self._told_cells(site_id)
        for notice in self._lately(site_id):
            if notice.group_id is not None:
                cells.setdefault((notice.equipment_kind, notice.building_id), set())
        return cells

    def _lately(self, site_id: UUID) -> list[AlarmNotice]:
        return [each for each in self._book.notices if each.site_id == site_id and self._now - each.at < WINDOW]

    def _tell(self, site_id: UUID, units: Sequence[Unit]) -> None:
        room = max(0, SEPARATE_MAX - len(self._lately(site_id)))
        worst_first = sorted(units, key=lambda unit: (unit.worst.rank, -len(unit.newcomers)))
        for unit in worst_first[:room]:
            self._tell_one(unit)
        rest = [one for unit in worst_first[room:] for one in unit.newcomers]
        if rest:
            self._tell_one(Unit(tuple(rest), GroupKind.SITE))

    def _tell_one(self, unit: Unit) -> None:
        first = unit.newcomers[0]
        if unit.kind is None:
            self.placed[first.alarm_id] = None
            self._note(first.site_id, alarm_id=first.alarm_id, cell=first.cell)
            return
        group = self._open(unit.kind, first)
        self._grow(group, unit.newcomers, also=len(unit.told_before))
        self.placed |= {one.alarm_id: group.id for one in unit.newcomers}
        self._regroup(unit.told_before, group)
        self.tell(group)

    def _regroup(self, alarms: frozenset[UUID], group: AlarmGroup) -> None:
        self.regrouped |= dict.fromkeys(alarms, group.id)
        for notice in self._lately(group.site_id):
            if notice.alarm_id in alarms:
                notice.group_id = group.id
                if notice not in self.new_notices:
                    self.changed_notices[notice.id] = notice

    def tell(self, group: AlarmGroup) -> None:
        """Counts the group as told now."""
        group.tellings += 1
        group.told_alarms, group.told_rank, group.told_at = group.alarms, group.severity_rank, self._now
        self._note(group.site_id, group_id=group.id, cell=(group.equipment_kind or "", group.building_id))
        self.told_groups.append(group)

    def has_room(self, site_id: UUID) -> bool:
        """Whether a group of the site may be told again; one telling is kept for the group of the site."""
        return len(self._lately(site_id)) < NOTICES_MAX - 1

    def _note(self, site_id: UUID, *, cell: Cell, alarm_id: UUID | None = None, group_id: UUID | None = None) -> None:
        kind, building_id = cell
        notice = AlarmNotice(
            id=new_id(), site_id=site_id, at=self._now, alarm_id=alarm_id, group_id=group_id, building_id=building_id,
            equipment_kind=kind,
        )  # fmt: skip
        self._book.notices.append(notice)
        self.new_notices.append(notice)

    def _open(self, kind: GroupKind, like: Newcomer, *, root_id: UUID | None = None) -> AlarmGroup:
        in_building, of_kind = _width(kind)
        group = AlarmGroup(
            id=new_id(), site_id=like.site_id, kind=kind.value, root_id=root_id,
            building_id=like.building_id if in_building else None,
            equipment_kind=like.equipment_kind if of_kind else None, severity=like.severity.value,
            severity_rank=like.severity.rank, alarms=0, told_alarms=0, told_rank=like.severity.rank, tellings=0,
            opened_at=self._now, last_at=self._now, told_at=None,
        )  # fmt: skip
        self._groups[group.id] = group
        self._book.groups.append(group)
        self.new_groups.append(group)
        return group

    def _grow(self, group: AlarmGroup, newcomers: Iterable[Newcomer], *, also: int) -> None:
        group.alarms += also
        for one in newcomers:
            group.alarms += 1
            group.last_at = self._now
            self._worsen(group, one)

    def _worsen(self, group: AlarmGroup, one: Newcomer) -> None:
        if one.severity.rank < group.severity_rank:
            group.severity, group.severity_rank = one.severity.value, one.severity.rank
        if group not in self.new_groups:
            self.changed_groups[group.id] = group


def _width(kind: GroupKind) -> tuple[bool, bool]:
    """Whether a group is of one building, and whether of one kind of equipment."""
    match kind:
        case GroupKind.AREA:
            return True, True
        case GroupKind.KIND:
            return False, True
        case GroupKind.SITE | GroupKind.ROOT:
            return False, False
        case _:
            assert_never(kind)


def _fits(group: AlarmGroup, one: Newcomer) -> bool:
    if group.site_id != one.site_id or group.kind == GroupKind.ROOT:
        return False
    in_building, of_kind = _width(GroupKind(group.kind))
    if of_kind and group.equipment_kind != one.equipment_kind:
        return False
    is_there: bool = group.building_id == one.building_id
    return is_there or not in_building


def _alike(newcomers: Iterable[Newcomer], told: dict[Cell, set[UUID]]) -> list[Unit]:
    """Units of newcomers: those of a kind in one building together, if there are enough with those told lately."""
    units: list[Unit] = []
    for cell, ours in _sorted_by(newcomers, lambda one: one.cell).items():
        told_here = frozenset(told.get(cell, ())) - {one.alarm_id for one in ours}
        if len(ours) + len(told_here) >= ALIKE_MIN:
            units.append(Unit(tuple(ours), GroupKind.AREA, told_here))
        else:
            units += [Unit((one,)) for one in ours]
    return units


def _widened(units: Iterable[Unit], busy: dict[Cell, set[UUID]]) -> list[Unit]:
    """Units of a kind that come from enough buildings become one."""
    wider: list[Unit] = []
    for kind, ours in _sorted_by(units, lambda unit: unit.newcomers[0].equipment_kind).items():
        buildings = {unit.newcomers[0].building_id for unit in ours}
        buildings |= {building_id for busy_kind, building_id in busy if busy_kind == kind}
        if len(buildings) < ALIKE_MIN:
            wider += ours
            continue
        newcomers = tuple(one for unit in ours for one in unit.newcomers)
        told = {alarm_id for (busy_kind, _), ids in busy.items() if busy_kind == kind for alarm_id in ids}
        wider.append(Unit(newcomers, GroupKind.KIND, frozenset(told - {one.alarm_id for one in newcomers})))
    return wider


def _sorted_by(things: Iterable[Thing], key: Callable[[Thing], Key]) -> dict[Key, list[Thing]]:
    found: dict[Key, list[Thing]] = defaultdict(list)
    for thing in things:
        found[key(thing)].append(thing)
    return found


def is_due(group: AlarmGroup, *, now: datetime) -> bool:
    """Whether a group that grew, or of which one became worse, should be told again: at once when it became critical,
    else after a pause that grows ten times longer with each telling, beginning with half a minute."""
    is_worse = group.severity_rank < group.told_rank
    if group.alarms <= group.told_alarms and not is_worse:
        return False
    if is_worse and group.severity == Severity.CRITICAL:
        return True
    pause: timedelta = timedelta(seconds=30) * 10 ** min(group.tellings, 4)
    told_at: datetime = group.told_at or group.opened_at
    return now >= told_at + pause


def due(groups: Collection[AlarmGroup], *, now: datetime) -> list[AlarmGroup]:
    """Those to be told again, the worst first."""
    return sorted((group for group in groups if is_due(group, now=now)), key=lambda one: one.severity_rank)
