"""Which targets hold for an order: defaults, settings, policies, and the calendars they count in."""

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ids import new_id
from ticketing.kinds import Procedure
from ticketing.setting_values import BadTargets
from ticketing.sla.business_time import ROUND_THE_CLOCK, Span
from ticketing.sla.calendars import (
    OFFICE_WEEK,
    BadHours,
    SpecialDay,
    Week,
    hours_of,
    parse_spans,
    parse_week,
    spoken,
    unknown_years,
)
from ticketing.sla.defaults import Defaults, parse_defaults
from ticketing.sla.levels import LEVEL_FIELDS, CountedIn, Rung, chain_of
from ticketing.sla.policies import About, Policy, resolve
from ticketing.sla.service_level import ServiceLevel, as_json, of_json
from ticketing.sla.state_calendar import state_year

SITE, OTHER = new_id(), new_id()
OFFICE = (Span(540, 1080),)
BASE = Defaults().by_priority[3]
ABOUT = About(SITE, "home_repair", 3, "WB-1")

# --- policies --------------------------------------------------------------------------------------------------------

SAID = st.dictionaries(st.sampled_from(["response_min", "arrival_min", "resolution_min"]), st.integers(1, 500))
KEYS = st.tuples(
    st.sampled_from([None, "WB-1", "WB-2"]), st.sampled_from([None, SITE, OTHER]),
    st.sampled_from([None, "home_repair", "inquiry"]), st.sampled_from([None, 3, 1]),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(said=st.dictionaries(KEYS, SAID, max_size=12))
def test_each_field_is_said_by_the_most_specific_policy_that_speaks_of_it(said: dict[Any, dict[str, int]]) -> None:
    policies = [
        Policy(str(number), says, site_id=key[1], kind=key[2], priority=key[3], contract_no=key[0])
        for number, (key, says) in enumerate(said.items())
    ]
    found = resolve(BASE, policies, ABOUT)
    for name in LEVEL_FIELDS:
        best, rank = getattr(BASE, name), -1
        for (contract, site, kind, priority), says in said.items():
            is_ours = contract in (None, "WB-1") and site in (None, SITE)
            is_such = kind in (None, "home_repair") and priority in (None, 3)
            weight = 8 * bool(contract) + 4 * bool(site) + 2 * bool(kind) + bool(priority)
            if is_ours and is_such and name in says and weight > rank:
                best, rank = says[name], weight
        assert getattr(found.levels, name) == best
        assert (name in found.sources) == (rank >= 0)


def test_what_a_contract_promises_stands_until_a_policy_speaks_of_that_contract() -> None:
    promise = Policy("promise", {"arrival_min": 30.0}, contract_no="WB-1")
    own = Policy("own", {"arrival_min": 20.0}, contract_no="WB-1")
    site = Policy("site", {"arrival_min": 10.0}, site_id=SITE)
    assert resolve(BASE, [promise, site], ABOUT).levels.arrival_min == 30
    assert resolve(BASE, [promise, site, own], ABOUT).levels.arrival_min == 20


# --- defaults --------------------------------------------------------------------------------------------------------


def test_what_is_shipped() -> None:
    shipped = parse_defaults({}, contractor_min=30)
    entrapment = shipped.of(procedure=Procedure.ENTRAPMENT, priority=1)
    assert (entrapment.response_min, entrapment.arrival_min, entrapment.resolution_min) == (1, 30, 60)
    smoke, urgent = shipped.of(procedure=Procedure.SMOKE, priority=1), shipped.by_priority[2]
    assert (smoke.arrival_min, shipped.by_priority[1].arrival_min, urgent.arrival_min) == (5, 5, 15)
    counted = {priority: levels.counted_in for priority, levels in shipped.by_priority.items()}
    assert counted == {1: "always", 2: "always", 3: "business", 4: "business"}
    elsewhere = parse_defaults({}, contractor_min=60).of(procedure=Procedure.ENTRAPMENT, priority=1)
    assert (elsewhere.arrival_min, elsewhere.resolution_min) == (60, 90)


def test_a_setting_changes_what_it_names_and_nothing_else() -> None:
    settings = {"deadlines": {"priority_3": {"response_min": 10, "counted_in": "always"}, "smoke": {"warn_pct": 50}}}
    meant = parse_defaults(settings, contractor_min=30)
    shipped = Defaults()
    assert meant.by_priority[3] == replace(shipped.by_priority[3], response_min=10, counted_in=CountedIn.ALWAYS)
    assert meant.by_priority[4] == shipped.by_priority[4]
    assert meant.by_procedure[Procedure.SMOKE].warn_pct == 50


@pytest.mark.parametrize(
    ("level", "named"),
    [
        ({"response_min": 0}, "response_min"),
        ({"response_min": 10**9}, "response_min"),
        ({"response_min": True}, "response_min"),
        ({"arrival_min": "soon"}, "arrival_min"),
        ({"counted_in": "whenever"}, "counted_in"),
        ({"warn_pct": 0}, "warn_pct"),
        ({"chain": []}, "chain"),
        ({"chain": "manager"}, "chain"),
        ({"chain": [{"who": "manager"}]}, "chain"),
        ({"chain": [{"who": ["manager"], "after_min": 0}]}, "chain"),
        ({"chain": [{"who": "manager", "after_min": -1}]}, "chain"),
        ({"chain": [{"who": "manager", "after_min": 5}] * 2}, "chain"),
        ([], "priority_1"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_key(level: object, named: str) -> None:
    with pytest.raises(BadTargets, match=named):
        parse_defaults({"deadlines": {"priority_1": level}}, contractor_min=30)


# --- calendars -------------------------------------------------------------------------------------------------------


def spans_of(day: str, week: Week, **entered: tuple[Span, ...] | None) -> tuple[Span, ...]:
    on = date.fromisoformat(day)
    given = {level: {on: SpecialDay(on, level, hours)} for level, hours in entered.items()}
    hours = hours_of(
        week, zone="Asia/Shanghai", company=given.get("company", {}), site=given.get("site", {}), first=on, days=3
    )  # fmt: skip
    return hours.open_spans(on)


SHORT = (Span(600, 720),)
WEEK_OF_SEVEN = Week(((Span(480, 1200),),) * 7)


@pytest.mark.parametrize(
    ("day", "week", "entered", "expected"),
    [
        ("2026-11-23", Week(), {}, OFFICE),
        ("2026-11-22", Week(), {}, ()),  # Sunday
        ("2026-10-01", Week(), {}, ()),  # National Day, a Thursday
        ("2026-10-10", Week(), {}, OFFICE),  # a Saturday that is worked for it
        ("2026-10-10", Week(tuple(OFFICE_WEEK), keeps_holidays=False), {}, ()),
        ("2026-10-01", WEEK_OF_SEVEN, {}, ()),
        ("2026-10-01", Week(WEEK_OF_SEVEN.hours, keeps_holidays=False), {}, (Span(480, 1200),)),
        ("2026-10-01", Week(), {"company": SHORT}, SHORT),
        ("2026-10-01", Week(), {"company": SHORT, "site": ()}, ()),
        ("2026-10-01", Week(), {"company": None}, OFFICE),
        ("2026-11-22", Week(), {"site": None}, OFFICE),
        ("2027-10-01", Week(), {}, OFFICE),  # not published yet: weekends are all that is known
        ("2027-10-01", Week(), {"company": ()}, ()),
    ],
)
def test_the_nearest_entry_wins_over_the_state_and_the_state_over_the_weekday(
    day: str, week: Week, entered: dict[str, Any], expected: tuple[Span, ...]
) -> None:
    assert spans_of(day, week, **entered) == expected


def test_a_picture_over_two_years_ends_knows_all_three() -> None:
    hours = hours_of(Week(), zone="Asia/Shanghai", company={}, site={}, first=date(2024, 12, 20))
    assert hours.open_spans(date(2025, 10, 1)) == ()
    assert hours.open_spans(date(2026, 1, 1)) == ()


def test_years_that_nobody_published_are_unknown_until_somebody_enters_them() -> None:
    assert state_year(2026) is not None
    assert state_year(2100) is None
    assert unknown_years(Week(), [2026, 2100], entered=()) == [2100]
    assert unknown_years(Week(), [2100], entered={2100}) == []
    assert unknown_years(Week(tuple(OFFICE_WEEK), keeps_holidays=False), [2100], entered=()) == []


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([["9:00", "18:00"]], "not_a_time"),
        ([["09:00", "24:01"]], "not_a_time"),
        ([["09:60", "18:00"]], "not_a_time"),
        ([["٠٩:00", "18:00"]], "not_a_time"),
        ([["18:00", "09:00"]], "backwards"),
        ([["09:00", "09:00"]], "backwards"),
        ([["09:00", "12:00"], ["11:00", "18:00"]], "overlapping"),
        ([[f"{hour:02d}:00", f"{hour:02d}:30"] for hour in range(7)], "too_many"),
    ],
)
def test_hours_that_cannot_be_meant_say_what_is_wrong(pairs: list[list[str]], problem: str) -> None:
    with pytest.raises(BadHours, match=problem):
        parse_spans(pairs)


def test_a_week_has_seven_days_and_is_open_some_time() -> None:
    closed: list[list[list[str]]] = [[]]
    for bad, problem in ((closed * 6, "not_seven_days"), (closed * 7, "never_open")):
        with pytest.raises(BadHours, match=problem):
            parse_week(bad)
    day = [["00:00", "12:00"], ["12:30", "24:00"]]
    assert [spoken(spans) for spans in parse_week([day] * 7)] == [day] * 7


@pytest.mark.parametrize("is_business", [True, False])
def test_an_orders_picture_is_read_as_it_was_kept(is_business: bool) -> None:
    hours = ROUND_THE_CLOCK
    if is_business:
        on = date(2026, 12, 31)
        hours = hours_of(
            Week(), zone="Asia/Shanghai", company={}, site={on: SpecialDay(on, "盘点", SHORT)}, first=date(2026, 9, 1)
        )  # fmt: skip
    chain = chain_of((Rung.ASSIGNEE, 0), (Rung.ADMIN, 90))
    level = ServiceLevel(hours, 80, chain, {"response_min": "x"}, [2027], 20)
    assert of_json(as_json(level)) == level
    assert level.counted_in is (CountedIn.BUSINESS if is_business else CountedIn.ALWAYS)


def test_an_order_from_before_is_told_to_the_duty_manager_at_its_deadline() -> None:
    level = of_json({})
    assert (level.counted_in, [step.who for step in level.chain]) == (CountedIn.ALWAYS, [Rung.DUTY_MANAGER])


def test_every_default_climbs_from_whoever_has_it_to_the_manager() -> None:
    shipped = Defaults()
    for levels in itertools.chain(shipped.by_priority.values(), shipped.by_procedure.values()):
        assert [step.who for step in levels.chain] == [
            Rung.ASSIGNEE, Rung.DISPATCHER, Rung.DUTY_MANAGER, Rung.MANAGER,
        ]  # fmt: skip
