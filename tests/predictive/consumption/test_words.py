"""What is suspected of a meter is said in words of its own, in both languages, with figures people can see."""

from dataclasses import replace
from uuid import UUID

import pytest

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from catalog.directory import EquipmentEntry, PointEntry
from kit.i18n import Language, Texts
from predictive.consumption.forecast import MeterState
from predictive.consumption.suspicion import MeterMode
from predictive.predictions.finding import Method, PointEvidence
from predictive.predictions.reason import Reasons
from predictive.predictions.voices import Voice, together

NOW_MS = 1_790_000_000_000
POINT = PointEntry(1, "volume_m3", PointKind.SENSOR, "m³", 0, 1e5, Reporting(ReportingMode.PERIODIC, 3600), False)
METER = EquipmentEntry(
    equipment_id=UUID(int=1), site_id=UUID(int=2), site_code="s", code="WM-01", name="水表",
    kind=EquipmentKind.WATER_METER, profile_key="nbiot-water-meter", protocol="mqtt", external_id="WM-01", address={},
    partition=1, parent_id=None, building_id=None, in_service=True, points={"volume_m3": POINT},
)  # fmt: skip
EVIDENCE = PointEvidence(point_key="volume_m3", share=1.0, value=0.0062, usual=0.0, since_ms=NOW_MS - 6 * 86_400_000)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load(["kit", "predictive.predictions", "predictive.consumption"])


def reason(texts: Texts, mode: str, evidence: PointEvidence = EVIDENCE) -> dict[str, str]:
    voice = Voice(
        method=Method.CONSUMPTION, model_id=None, is_present=True, confidence=0.8, score=1.5, at_ms=NOW_MS,
        since_ms=NOW_MS, points=(evidence,), days_left=None, waste_a_day=12.4,
    )  # fmt: skip
    chorus = together([voice], heard_after_ms=0)
    assert chorus is not None
    return Reasons(texts, {}).of(METER, mode, chorus)


@pytest.mark.parametrize("mode", list(MeterMode))
def test_every_sign_has_its_sentence(texts: Texts, mode: MeterMode) -> None:
    said = reason(texts, mode.value)
    assert set(said) == {"zh-CN", "en"}
    assert all("{" not in words and len(words) > 30 for words in said.values())
    assert not said["en"].startswith(mode.value.replace("_", " "))  # which is what stands there for want of a name


def test_a_small_leak_is_said_in_litres(texts: Texts) -> None:
    said = reason(texts, "night_leak")["zh-CN"]
    assert "6.2 L" in said
    assert "12 元" in said
    large = replace(EVIDENCE, value=12.34, usual=3.0)
    assert "12.3 m³" in reason(texts, "balance_loss", large)["en"]


@pytest.mark.parametrize("state", list(MeterState))
@pytest.mark.parametrize("language", list(Language))
def test_every_state_has_words(texts: Texts, state: MeterState, language: Language) -> None:
    assert texts.text(f"predictive.meter_state.{state.value}", language, days=3, needed=7)
