"""What owners may do when, how often they may urge, and what their words set going."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ids import new_id
from ticketing.feedback.policy import FeedbackPolicy, parse_policy
from ticketing.feedback.subjects import people_meant, wants_anonymity
from ticketing.feedback.verdict import Outcome, Wish, goes_up, is_agreed, next_urge, wants_return_visit, wishes
from ticketing.kinds import OrderState
from ticketing.setting_values import BadTargets

HANGZHOU = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # 12:00 in Hangzhou
POLICY = FeedbackPolicy()

# state → what is possible with nothing said yet
POSSIBLE = {
    OrderState.NEW: {Wish.URGE, Wish.CANCEL},
    OrderState.DISPATCHED: {Wish.URGE},
    OrderState.ACCEPTED: {Wish.URGE},
    OrderState.EN_ROUTE: {Wish.URGE},
    OrderState.ON_SITE: {Wish.URGE},
    OrderState.IN_PROGRESS: {Wish.URGE},
    OrderState.ON_HOLD: {Wish.URGE},
    OrderState.REOPENED: {Wish.URGE},
    OrderState.DONE: {Wish.CONFIRM, Wish.REJECT, Wish.RATE},
    OrderState.VERIFIED: {Wish.CONFIRM, Wish.REJECT, Wish.RATE},
    OrderState.CLOSED: {Wish.REJECT, Wish.RATE},
    OrderState.CANCELLED: set(),
}


@pytest.mark.parametrize(("state", "is_answered", "is_rated"), list(product(OrderState, (False, True), (False, True))))
def test_every_state_says_what_its_owner_may_do(state: OrderState, is_answered: bool, is_rated: bool) -> None:
    expected = set(POSSIBLE[state])
    expected -= {Wish.CONFIRM} if is_answered else set()
    expected -= {Wish.RATE} if is_rated else set()
    assert set(wishes(state, is_answered=is_answered, is_rated=is_rated, is_withdrawn=False)) == expected
    assert wishes(state, is_answered=is_answered, is_rated=is_rated, is_withdrawn=True) == []


def ago(**span: float) -> datetime:
    return NOON - timedelta(**span)


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        ([], None),
        ([ago(minutes=30)], None),
        ([ago(minutes=29)], NOON + timedelta(minutes=1)),
        ([ago(hours=2), ago(hours=1)], None),
        # Three a day of the site's own calendar: the next is after midnight in Hangzhou, 16:00 UTC.
        ([ago(hours=3), ago(hours=2), ago(hours=1)], datetime(2026, 11, 22, 16, 0, tzinfo=UTC)),
        # Yesterday's do not count, though they are less than 24 hours ago.
        ([ago(hours=13), ago(hours=14), ago(hours=15)], None),
    ],
)
def test_urging_waits_half_an_hour_and_three_a_day_are_enough(past: list[datetime], expected: datetime | None) -> None:
    assert next_urge(past, now=NOON, policy=POLICY, zone=HANGZHOU) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=2880), max_size=8))
def test_whoever_urges_as_soon_as_possible_never_urges_too_often(waits_min: list[int]) -> None:
    now, urged = NOON, list[datetime]()
    for wait in waits_min:
        now += timedelta(minutes=wait)
        next_at = next_urge(urged, now=now, policy=POLICY, zone=HANGZHOU)
        if next_at is not None:
            assert next_at > now
            now = next_at
            assert next_urge(urged, now=now, policy=POLICY, zone=HANGZHOU) is None
        urged.append(now)
    gaps = [later - earlier for earlier, later in pairwise(urged)]
    assert all(gap >= timedelta(minutes=30) for gap in gaps)
    days = [one.astimezone(HANGZHOU).date() for one in urged]
    assert all(days.count(day) <= 3 for day in days)


def test_few_stars_once_are_enough_for_a_call_and_two_rejections_for_the_manager() -> None:
    assert [wants_return_visit([5, 5, mark], POLICY) for mark in (1, 2, 3)] == [True, True, False]
    assert not wants_return_visit([], POLICY)
    assert [goes_up(times, POLICY) for times in (0, 1, 2, 3)] == [False, False, True, True]


def test_an_order_is_agreed_on_when_everybody_is_content_or_silent() -> None:
    one, other = new_id(), new_id()
    assert not is_agreed([], [])
    assert not is_agreed([one, other], [(one, Outcome.ACCEPTED)])
    assert is_agreed([one, other], [(one, Outcome.ACCEPTED), (other, Outcome.SILENT)])
    assert not is_agreed([one, other], [(one, Outcome.ACCEPTED), (other, Outcome.REJECTED)])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("投诉保安吴刚态度差", {"吴刚"}),
        ("投诉张工乱收费", {"张伟", "张敏"}),
        ("姓李的那个客服不接电话", {"李强"}),
        ("投诉物业不作为", set()),
        ("张家界旅游团太吵", set()),
        ("投诉吴刚和张工", {"吴刚"}),
        ("Wu Gang was rude", {"Wu Gang"}),
    ],
)
def test_a_complaint_names_its_people(words: str, meant: set[str]) -> None:
    staff = {new_id(): name for name in ("吴刚", "张伟", "张敏", "李强", "Wu Gang")}
    assert {staff[person] for person in people_meant(words, staff)} == meant


def test_who_wants_to_stay_unnamed_says_so() -> None:
    assert all(
        map(wants_anonymity, ["匿名投诉3栋保洁", "投诉吴刚，别告诉他是谁", "不想让他们知道是我", "anonymous complaint"])
    )
    assert not wants_anonymity("投诉吴刚态度差")


def test_settings_are_read_strictly() -> None:
    assert parse_policy({}) == POLICY
    assert parse_policy({"feedback": {"urges_a_day": 5}}).urges_a_day == 5
    for bad in ({"urges_a_day": 0}, {"urge_every_min": "30"}, {"urges": 3}, {"low_stars": True}):
        with pytest.raises(BadTargets, match="feedback"):
            parse_policy({"feedback": bad})
