"""What is said of a prediction, by whom, and that nothing unknown is said."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.equipment import EquipmentKind
from building.point import PointKind
from catalog.directory import EquipmentEntry, PointEntry
from kit.i18n import Language, Texts
from predictive.predictions.finding import DaysLeft, Manner, Method, PointEvidence
from predictive.predictions.reason import Reasons
from predictive.predictions.voices import Chorus, Voice, as_json, of_json, together
from tests.ticketing.town import PROFILES

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
PROFILE = PROFILES["grundfos-cim-pump"]
SPEC = PROFILE.points["vibration_mm_s"]
POINT = PointEntry(1, SPEC.key, PointKind.SENSOR, SPEC.unit, 0, 100, SPEC.reporting, False)
PUMP = EquipmentEntry(
    equipment_id=UUID(int=1), site_id=UUID(int=2), site_code="s", code="P-1", name="1号水泵", kind=EquipmentKind.PUMP,
    profile_key=PROFILE.key, protocol="modbus", external_id="P-1", address={}, partition=0, parent_id=None,
    building_id=None, in_service=True, points={SPEC.key: POINT},
)  # fmt: skip
RISEN = PointEvidence(
    point_key=SPEC.key, share=1.0, value=4.1, usual=2.97, since_ms=NOW_MS - 9 * DAY_MS, peers_low=2.6, peers_high=3.0
)
VOICE = Voice(
    method=Method.DRIFT, model_id=None, is_present=True, at_ms=NOW_MS, since_ms=NOW_MS - 9 * DAY_MS, confidence=0.9,
    score=1.8, days_left=DaysLeft(low=10.4, median=16, high=24.9), waste_a_day=None, points=(RISEN,),
)  # fmt: skip
REASONS = Reasons(Texts.load(["kit", "predictive.predictions"]), PROFILES)


def said(voice: Voice, language: Language = Language.EN, mode: str = "bearing_wear") -> str:
    chorus = together([voice], heard_after_ms=0)
    assert chorus is not None
    return REASONS.of(PUMP, mode, chorus)[language.value]


@pytest.mark.parametrize(
    ("point", "left", "expected"),
    [
        (RISEN, VOICE.days_left, "4.10 mm/s, up 38 % in 9 days; its peers have 2.60–3.00; 10–24 days left"),
        (replace(RISEN, value=2.0), None, "2.00 mm/s, down 33 % in 9 days; its peers have 2.60–3.00"),
        (replace(RISEN, usual=None, peers_low=None), None, "4.10 mm/s"),
        (replace(RISEN, usual=4.09, peers_low=3.0), None, "4.10 mm/s; its peers have 3.00"),
        (replace(RISEN, since_ms=NOW_MS - 3_600_000), None, "up 38 % in 1 hour; its peers have 2.60–3.00"),
        (replace(RISEN, value=None, peers_low=None), DaysLeft(low=0, median=0.2, high=0.5), "0–1 days left"),
    ],
)
def test_a_reason_is_made_of_the_figures_that_are_known(
    point: PointEvidence, left: DaysLeft | None, expected: str
) -> None:
    assert said(replace(VOICE, points=(point,), days_left=left)).endswith(expected)


@pytest.mark.parametrize(
    ("manner", "value", "english", "chinese"),
    [
        (Manner.UNREST, 0.52,
         "changes by 0.52 mm/s from one reading to the next, usually by 0.11 mm/s; its peers have 0.10",
         "的读数波动由平时的 0.11 mm/s 变为 0.52 mm/s；同类设备为 0.10"),
        (Manner.RELATION, 0.52, "is 0.52 mm/s off what the other points say, usually 0.11 mm/s; its peers have 0.10",
         "与其他测点不再同步，偏差由平时的 0.11 mm/s 变为 0.52 mm/s；同类设备为 0.10"),
        (Manner.SHARE, 0.523, "for 52% of the day, usually 11%; its peers have 10%",
         "”每天所占时间由平时的 11% 变为 52%；同类设备为 10%"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_point_is_not_said_as_one(
    manner: Manner, value: float, english: str, chinese: str
) -> None:
    point = replace(RISEN, manner=manner, value=value, usual=0.11, peers_low=0.1, peers_high=0.1)
    voice = replace(VOICE, points=(point,), days_left=None)
    assert said(voice).endswith(english)
    assert said(voice, Language.ZH).endswith(chinese)


def test_a_change_below_the_figures_people_see_is_said_without_figures() -> None:
    point = replace(RISEN, manner=Manner.UNREST, value=0.004, usual=0.001, peers_low=0.001, peers_high=0.002)
    english = said(replace(VOICE, points=(point,)))
    assert english.endswith(": Vibration velocity (RMS) changes unlike itself; 10–24 days left")
    assert said(replace(VOICE, points=(point,)), Language.ZH).endswith(
        "的变化规律与平时明显不同；预计还能运行 10–24 天"
    )


def test_a_reason_without_figures_still_says_how_unusual_it_is() -> None:
    bare = replace(VOICE, points=(), days_left=None)
    assert said(bare, Language.ZH) == "轴承磨损：运行状态与平时明显不同，异常程度为报警线的 1.8 倍"
    assert said(bare, mode="never heard of").startswith("never heard of: ")


def test_the_surest_leads_and_whoever_reckons_with_lives_says_what_is_left() -> None:
    lives = replace(VOICE, method=Method.REMAINING_LIFE, confidence=0.6, days_left=DaysLeft(low=1, median=2, high=3))
    chorus = together([VOICE, lives], heard_after_ms=0)
    assert chorus is not None
    assert (chorus.lead.method, chorus.days_left) == (Method.DRIFT, lives.days_left)


@given(present=st.booleans(), age=st.integers(0, 10), deadline=st.integers(0, 10))
def test_who_has_taken_it_back_or_is_silent_for_long_is_not_heard(present: bool, age: int, deadline: int) -> None:
    voice = replace(VOICE, is_present=present, at_ms=NOW_MS - age)
    heard: Chorus | None = together([voice], heard_after_ms=NOW_MS - deadline)
    assert (heard is not None) == (present and age <= deadline)


def test_evidence_is_kept_as_it_is() -> None:
    other = replace(RISEN, manner=Manner.UNREST)
    assert of_json(as_json([RISEN, other])) == (RISEN, other)
