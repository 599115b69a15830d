"""Every rule of the library raises on what it is for, at the instant it says, and not on what only looks like it.

`tests/rules/library/` has the scenes; every scene is judged by all rules for its device, and each alarm is expected.
"""

from collections import Counter

import pytest

from building.reading import Reading, ReadingBatch
from kit.i18n import Language
from rules.durations import parse_duration_ms
from rules.schemas import RuleDefinition
from rules.shipped import shipped_rules
from tests.rules.library import lifts, meters, plant_rooms, pumps, safety
from tests.rules.library.page import PAGE, page
from tests.rules.library.scenes import MIDNIGHT_MS, PROFILES, RULES, Book, fits, judge_of, play

BOOKS = {book.profile: book for part in (lifts, meters, plant_rooms, pumps, safety) for book in part.BOOKS}
CONDITIONS = {key for key, rule in RULES.items() if rule.missing is None}
SILENCES = sorted(set(RULES) - CONDITIONS)


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_every_alarm_of_every_scene_comes_and_ends_when_it_should_and_no_other_does(book: Book) -> None:
    for scene, told in zip(book.scenes, play(book), strict=True):
        assert told == scene.expected(), f"{scene.rule}: {scene.story}"


def test_every_rule_has_a_scene_that_raises_it_and_a_near_miss() -> None:
    scenes = [scene for book in BOOKS.values() for scene in book.scenes]
    assert {scene.rule for scene in scenes if scene.alarm} == CONDITIONS
    assert {scene.rule for scene in scenes if not scene.alarm} == CONDITIONS
    assert all(fits(scene.rule, book.profile) for book in BOOKS.values() for scene in book.scenes)


@pytest.mark.parametrize("key", SILENCES)
def test_a_silent_device_is_missed_in_time_and_not_sooner(key: str) -> None:
    judge, entry = judge_of(key)
    missing_ms = parse_duration_ms(str(RULES[key].missing))
    point = next(point for point in entry.points.values() if point.life_safety is RULES[key].life_safety)

    def said(at_ms: int) -> list[tuple[bool, int]]:
        batch = ReadingBatch.of([Reading(point.point_no, MIDNIGHT_MS + at_ms, 0.0)])
        found = judge.judge(batch, now_ms=MIDNIGHT_MS + at_ms).detections
        return [(each.active, each.at_ms - MIDNIGHT_MS) for each in found]

    def silent_until(at_ms: int) -> list[tuple[bool, int]]:
        found = judge.tick(now_ms=MIDNIGHT_MS + at_ms, settled_ms=MIDNIGHT_MS + at_ms)
        return [(each.active, each.at_ms - MIDNIGHT_MS) for each in found]

    assert said(0) == []
    assert silent_until(missing_ms - 1_000) == []  # nearly, and then it speaks
    assert said(missing_ms - 1_000) == []
    assert silent_until(2 * missing_ms - 2_000) == []
    assert silent_until(2 * missing_ms - 1_000) == [(True, 2 * missing_ms - 1_000)]
    assert said(3 * missing_ms) == [(False, 3 * missing_ms)]


def test_every_profile_that_has_rules_misses_silent_devices() -> None:
    assert {RULES[key].profile for key in SILENCES} == set(BOOKS)


def test_there_are_more_than_forty_each_with_its_reasons_in_both_languages() -> None:
    assert len(RULES) == len(list(shipped_rules())) > 40
    for key, rule in RULES.items():
        assert rule.basis is not None, key
        assert set(rule.basis) == set(Language), key


def test_the_page_about_the_library_is_the_library() -> None:
    """Otherwise: python -m tests.rules.library.page"""
    assert PAGE.read_text("utf-8") == page()


def test_a_parameter_has_a_unit_unless_it_is_a_number_of_times_or_a_share() -> None:
    bare = {name for rule in RULES.values() for name in set(rule.params) - set(rule.units)}
    assert bare == {"times", "starts", "limit", "low", "share"}
    assert {key for key, rule in RULES.items() if {"limit", "low"} & (set(rule.params) - set(rule.units))} == {
        "gateway-queue-grows",
        "meter-power-factor",
    }


def test_an_order_is_the_more_urgent_the_worse_the_alarm() -> None:
    """A critical alarm is work, at once; a warning is no work, or the least urgent."""
    for key, rule in RULES.items():
        priority = rule.order.priority if rule.order else None
        match rule.severity:
            case "critical":
                assert priority == 1, key
            case "warning":
                assert priority in (None, 3, 4), key
            case _:
                assert priority in (None, 1, 2, 3, 4), key


def test_what_happens_to_a_meter_is_an_event_and_sends_nobody() -> None:
    """A new meter, a rollover and new transformers: something for the accounts, no leak and no fault."""
    events = {"meter-register-moved", "meter-ct-changed", "water-register-moved"}
    assert {(RULES[key].severity, RULES[key].order) for key in events} == {("warning", None)}
    told = Counter(scene.rule for book in BOOKS.values() for scene in book.scenes if scene.alarm)
    assert told["meter-register-moved"] == told["water-register-moved"] == 3


def test_life_safety_waits_for_nothing_but_what_it_is_about() -> None:
    """Only the valve that has yet to close is given time."""
    rules: list[RuleDefinition] = [rule for rule in RULES.values() if rule.life_safety]
    assert {rule.key: rule.for_ for rule in rules if rule.for_} == {"gas-valve-not-closed": "30s"}
    kinds = {rule.key: (rule.order.kind, rule.order.priority) for rule in rules if rule.order}
    assert kinds["elevator-passenger-trapped"] == ("entrapment", 1)
    assert {kinds[key] for key in ("smoke-detected", "gas-detected", "fire-panel-alarm")} == {("smoke", 1)}
    named = {point.key for profile in PROFILES.values() for point in profile.points.values() if point.life_safety}
    assert named == {"passenger_trapped", "alarm_button", "smoke", "gas_alarm", "valve_open", "fire_alarm"}
