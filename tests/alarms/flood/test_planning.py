"""How few tellings a flood takes, and that every alarm of it has its place."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.flood.group import GroupKind
from alarms.flood.planning import (
    ALIKE_MIN,
    FLAPS,
    LONGEST,
    NOTICES_MAX,
    SEPARATE_MAX,
    WINDOW,
    FloodBook,
    FloodPlan,
    Newcomer,
    due,
)
from building.severity import Severity
from kit.ids import new_id

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SITE = UUID(int=1)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def alarm(kind: str = "pump", building: int = 1, severity: Severity = Severity.MINOR, **facts: object) -> Newcomer:
    given = {"alarm_id": new_id(), "site_id": SITE, **facts}
    return Newcomer(building_id=UUID(int=building), equipment_kind=kind, severity=severity, **given)  # type: ignore[arg-type]


class Town:
    """Plans one batch after the other, as a book on disk would let it."""

    def __init__(self) -> None:
        self.book = FloodBook()
        self.now = NOON
        self.group_of: dict[UUID, UUID | None] = {}

    def take(self, *newcomers: Newcomer, after: timedelta = SECOND) -> FloodPlan:
        self.now += after
        self.book.notices = [each for each in self.book.notices if self.now - each.at < WINDOW]
        plan = FloodPlan(self.book, now=self.now)
        plan.take(newcomers)
        self.group_of |= plan.placed | plan.regrouped
        return plan

    def sweep(self, *, after: timedelta = SECOND) -> FloodPlan:
        plan = self.take(after=after)
        for group in due(self.book.groups, now=self.now):
            if plan.has_room(group.site_id):
                plan.tell(group)
        return plan

    def kinds(self) -> list[str]:
        return sorted(group.kind for group in self.book.groups)


def test_alarms_that_have_nothing_in_common_are_told_one_by_one() -> None:
    town = Town()
    plan = town.take(alarm("pump"), alarm("elevator"), alarm("pump", building=2))
    assert (set(plan.placed.values()), len(plan.new_notices), town.kinds()) == ({None}, 3, [])


def test_alarms_of_a_kind_in_one_building_are_told_together() -> None:
    town = Town()
    plan = town.take(*[alarm() for _ in range(100)])
    [group] = plan.told_groups
    assert (group.kind, group.alarms, group.equipment_kind, group.building_id) == ("area", 100, "pump", UUID(int=1))
    assert set(plan.placed.values()) == {group.id}
    later = town.take(alarm())
    assert (group.alarms, later.told_groups, later.new_notices) == (101, [], [])


def test_alarms_that_come_one_after_the_other_become_a_group_with_those_told_before() -> None:
    town, singles = Town(), [alarm() for _ in range(ALIKE_MIN)]
    plans = [town.take(one) for one in singles]
    [group] = plans[-1].told_groups
    assert [list(plan.placed.values()) for plan in plans[:-1]] == [[None]] * (ALIKE_MIN - 1)
    assert set(plans[-1].regrouped) == {one.alarm_id for one in singles[:-1]}
    assert group.alarms == ALIKE_MIN


def test_the_same_in_several_buildings_is_one_group_of_the_site() -> None:
    plan = Town().take(*[alarm("gateway", building=number % 20) for number in range(60)])
    [group] = plan.told_groups
    assert (group.kind, group.equipment_kind, group.building_id, group.alarms) == ("kind", "gateway", None, 60)


def test_what_one_alarm_explains_is_its_family_and_told_of_by_and_by() -> None:
    town, root = Town(), alarm("gateway")
    children = [alarm(building=number % 9, root_id=root.alarm_id) for number in range(500)]
    plan = town.take(root, *children)
    [family] = plan.new_groups
    assert (family.kind, family.root_id, family.alarms) == (GroupKind.ROOT, root.alarm_id, 500)
    assert (plan.placed[root.alarm_id], plan.told_groups, len(plan.new_notices)) == (None, [], 1)
    assert town.sweep(after=20 * SECOND).told_groups == []
    assert town.sweep(after=20 * SECOND).told_groups == [family]
    assert town.sweep(after=20 * SECOND).told_groups == []


def test_a_group_that_becomes_critical_is_told_again_at_once() -> None:
    town = Town()
    [group] = town.take(*[alarm() for _ in range(3)]).told_groups
    town.take(alarm())
    assert town.sweep().told_groups == []
    town.take(alarm(severity=Severity.CRITICAL))
    assert town.sweep().told_groups == [group]
    assert (group.severity, group.tellings, group.told_alarms) == (Severity.CRITICAL, 2, 5)


@pytest.mark.parametrize(("worse", "told_after_s"), [(Severity.CRITICAL, 1), (Severity.MAJOR, 299)])
def test_a_group_of_which_an_alarm_became_worse_is_told_again_and_has_no_more_alarms(
    worse: Severity, told_after_s: int
) -> None:
    town, one = Town(), alarm()
    [group] = town.take(one, alarm(), alarm()).told_groups
    plan = town.take(replace(one, severity=worse, group_id=group.id))
    assert (list(plan.changed_groups), plan.placed, group.alarms) == ([group.id], {one.alarm_id: group.id}, 3)
    tellings = [town.sweep().told_groups for _ in range(told_after_s)]
    assert (tellings[-1], [told for told in tellings[:-1] if told]) == ([group], [])
    assert (group.severity, town.sweep(after=WINDOW).told_groups) == (worse, [])


def test_a_family_of_which_an_alarm_became_worse_days_later_counts_as_changed_then() -> None:
    town, root = Town(), alarm("gateway")
    child = alarm(root_id=root.alarm_id)
    [family] = town.take(root, child).new_groups
    town.sweep(after=MINUTE)
    worse = replace(child, severity=Severity.CRITICAL, group_id=family.id)
    plan = town.take(worse, after=timedelta(days=2))
    assert (list(plan.changed_groups), family.last_at) == ([family.id], town.now)
    assert town.sweep().told_groups == [family]


def test_the_worst_is_told_by_itself_when_not_everything_can_be() -> None:
    kinds = [f"kind {number}" for number in range(SEPARATE_MAX + 5)]
    worst = alarm("fan", severity=Severity.MAJOR)
    plan = Town().take(*[alarm(kind) for kind in kinds], worst)
    assert plan.placed[worst.alarm_id] is None
    [storm] = plan.told_groups
    assert (storm.kind, storm.alarms) == (GroupKind.SITE, 6)


def test_a_group_that_went_quiet_takes_nobody_in_and_one_that_never_does_is_told_anew_after_an_hour() -> None:
    town = Town()
    town.take(*[alarm() for _ in range(3)])
    assert list(town.take(alarm(), after=WINDOW + SECOND).placed.values()) == [None]
    town = Town()
    town.take(*[alarm() for _ in range(3)])
    opened = 0
    for _ in range(LONGEST // (5 * MINUTE) + 4):
        opened += len(town.take(*[alarm() for _ in range(3)], after=5 * MINUTE).new_groups)
    assert opened == 1


def test_what_trickles_in_after_a_flood_is_told_by_itself_within_the_hour() -> None:
    town = Town()
    [storm] = town.take(*[alarm(f"kind {number}") for number in range(SEPARATE_MAX + 1)]).told_groups
    placed = [town.take(alarm(f"other {n}"), after=9 * MINUTE).placed.popitem()[1] for n in range(8)]
    assert (placed[:6], placed[6:]) == ([storm.id] * 6, [None] * 2)


@pytest.mark.parametrize(
    ("facts", "is_flapping", "is_quiet"),
    [
        ({"onsets": FLAPS - 1}, False, False),
        ({"onsets": FLAPS}, True, False),
        ({"onsets": FLAPS + 1, "is_known_to_flap": True}, True, True),
        # All of it in one batch, or while it was held back: nobody knows yet.
        ({"onsets": FLAPS + 9}, True, False),
        ({"onsets": FLAPS + 1, "is_known_to_flap": True, "is_worse": True}, True, False),
    ],
)
def test_a_condition_that_flaps_is_told_so_once(facts: dict[str, Any], is_flapping: bool, is_quiet: bool) -> None:
    one = alarm(**facts)
    plan = Town().take(one)
    assert (one.alarm_id in plan.flapping, one.alarm_id in plan.quiet) == (is_flapping, is_quiet)
    assert len(plan.new_notices) == (0 if is_quiet else 1)


def test_an_alarm_that_begins_again_counts_once_in_its_group() -> None:
    town, one = Town(), alarm()
    [group] = town.take(one, alarm(), alarm()).told_groups
    again = alarm(alarm_id=one.alarm_id, group_id=group.id)
    assert town.take(again).placed == {one.alarm_id: group.id}
    assert group.alarms == 3


BATCHES = st.lists(
    st.tuples(
        st.integers(0, 240),
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.sampled_from(Severity)), min_size=1, max_size=15),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(BATCHES)
def test_however_alarms_come_a_site_is_told_ten_times_in_ten_minutes_at_most_and_every_alarm_has_its_place(
    batches: Sequence[tuple[int, list[tuple[int, int, Severity]]]],
) -> None:
    town = Town()
    came: list[UUID] = []
    told: list[datetime] = []
    for pause_s, cells in batches:
        ours = [alarm(f"kind {kind}", building, severity) for kind, building, severity in cells]
        came += [one.alarm_id for one in ours]
        for plan in (town.take(*ours, after=pause_s * SECOND), town.sweep()):
            told += [notice.at for notice in plan.new_notices]
    assert set(town.group_of) == set(came)
    by_group = {group.id: sum(of == group.id for of in town.group_of.values()) for group in town.book.groups}
    assert by_group == {group.id: group.alarms for group in town.book.groups}
    for at in told:
        assert sum(at <= other < at + WINDOW for other in told) <= NOTICES_MAX
