"""Checklists, what is missing before done, working time, signatures and the suggested closing code: the pure parts."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from PIL import Image, ImageDraw

from ticketing.definitions.errors import DocumentInvalid
from ticketing.errors import FieldInvalid, FieldMissing, PhotoRefused
from ticketing.kinds import Category, ClosingCode
from ticketing.order_kind import Completion
from ticketing.working.checklist import CheckOutcome, Found, judge, parse_checklist
from ticketing.working.completion import Evidence, Wanted, missing
from ticketing.working.errors import ChecklistItemUnknown, FailureUnexplained, LabourInvalid, SignatureRefused
from ticketing.working.labour import Spent, check_entry, labour_cost
from ticketing.working.signatures import clean_signature
from ticketing.working.suggesting import SuggestedBy, suggest

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NAMES = {"zh-CN": "水泵保养", "en": "Pump maintenance"}
PUMP: dict[str, Any] = {
    "names": NAMES,
    "items": [
        {"code": "noise", "names": {"zh-CN": "无异响", "en": "No noise"}},
        {
            "code": "pressure", "names": {"zh-CN": "出口压力", "en": "Outlet pressure"}, "kind": "measure",
            "unit": "MPa", "low": 0.3, "high": 0.6,
        },
    ],
}  # fmt: skip
CHECKLIST = parse_checklist(PUMP, code="pump_service", equipment_kind="pump", version=1)


@pytest.mark.parametrize(
    ("item", "found", "outcome"),
    [
        ("noise", Found(CheckOutcome.PASS), CheckOutcome.PASS),
        ("noise", Found(CheckOutcome.FAIL, note="轴承响"), CheckOutcome.FAIL),
        ("noise", Found(CheckOutcome.FAIL, has_photo=True), CheckOutcome.FAIL),
        ("noise", Found(CheckOutcome.FAIL), FailureUnexplained),
        ("noise", Found(), FieldMissing),
        ("pressure", Found(measure=Decimal("0.3")), CheckOutcome.PASS),
        ("pressure", Found(measure=Decimal("0.6")), CheckOutcome.PASS),
        ("pressure", Found(measure=Decimal("0.61")), FailureUnexplained),
        ("pressure", Found(CheckOutcome.PASS, measure=Decimal("0.61"), note="已调"), CheckOutcome.FAIL),
        ("pressure", Found(CheckOutcome.PASS), FieldMissing),
        ("pressure", Found(measure=Decimal("NaN")), FieldInvalid),
        ("smell", Found(CheckOutcome.PASS), ChecklistItemUnknown),
    ],
)
def test_an_answer_passes_fails_with_its_reason_or_is_refused(item: str, found: Found, outcome: Any) -> None:
    if isinstance(outcome, CheckOutcome):
        assert judge(CHECKLIST.item(item), found) is outcome
    else:
        with pytest.raises(outcome):
            judge(CHECKLIST.item(item), found)


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"items": [PUMP["items"][0], PUMP["items"][0]]},
        {"items": [PUMP["items"][0] | {"unit": "MPa"}]},
        {"items": [PUMP["items"][1] | {"low": 1}]},
        {"names": {"zh-CN": "x"}},
        {"colour": "red"},
    ],
)
def test_a_checklist_that_could_not_work_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DocumentInvalid):
        parse_checklist(PUMP | change, code="pump_service", equipment_kind="", version=1)


WANTED = Completion(photos_before=1, photos_after=2, checklist="x", labour=True, parts=True, signature=True)
THERE = Evidence(photos_before=1, photos_after=2, unanswered=0, has_labour=True, has_parts=True, has_signature=True)
LACKING: dict[Wanted, dict[str, Any]] = {
    Wanted.PHOTOS_BEFORE: {"photos_before": 0}, Wanted.PHOTOS_AFTER: {"photos_after": 1},
    Wanted.CHECKLIST: {"unanswered": 1}, Wanted.LABOUR: {"has_labour": False}, Wanted.PARTS: {"has_parts": False},
    Wanted.SIGNATURE: {"has_signature": False},
}  # fmt: skip


@pytest.mark.parametrize("which", list(product([False, True], repeat=len(LACKING))))
def test_exactly_what_lacks_is_missing_and_nothing_where_nothing_is_wanted(which: tuple[bool, ...]) -> None:
    lacking = [one for one, is_lacking in zip(LACKING, which, strict=True) if is_lacking]
    changes = {key: value for one in lacking for key, value in LACKING[one].items()}
    there = Evidence(**{**THERE.__dict__, **changes})
    assert missing(WANTED, there, closing_code=ClosingCode.REAL_FAULT) == lacking
    assert missing(WANTED, there, closing_code=ClosingCode.DUPLICATE) == []
    assert missing(Completion(), there, closing_code=None) == []


@pytest.mark.parametrize(
    ("spent", "problem"),
    [
        (Spent(), "neither"),
        (Spent(NOW - timedelta(hours=1)), "neither"),
        (Spent(NOW - timedelta(hours=1), NOW, Decimal(60)), "both"),
        (Spent(NOW, NOW), "backwards"),
        (Spent(NOW - timedelta(hours=25), NOW), "too_long"),
        (Spent(minutes=Decimal(0)), "too_long"),
        (Spent(NOW, NOW + timedelta(minutes=1)), "ahead"),
    ],
)
def test_time_that_cannot_be_meant_is_refused(spent: Spent, problem: str) -> None:
    with pytest.raises(LabourInvalid) as refused:
        check_entry(spent, now=NOW)
    assert refused.value.problem == problem


def test_time_costs_by_the_hour_and_is_rounded_once() -> None:
    entries = [Spent(NOW - timedelta(minutes=20), NOW), Spent(minutes=Decimal(10)), Spent(NOW - timedelta(minutes=5))]
    check_entry(entries[0], now=NOW)
    assert labour_cost(entries, per_hour=Decimal(100), now=NOW) == Decimal("58.33")


REAL, FALSE, NONE, SAME = (
    ClosingCode.REAL_FAULT, ClosingCode.FALSE_ALARM, ClosingCode.NO_FAULT_FOUND, ClosingCode.DUPLICATE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("category", "has_alarm", "history", "code", "by"),
    [
        (Category.WATER_LEAK, False, [], REAL, SuggestedBy.CATEGORY),
        (Category.INQUIRY, False, [], NONE, SuggestedBy.CATEGORY),
        (Category.FIRE, True, [], REAL, SuggestedBy.ALARM),
        (Category.FIRE, True, [FALSE, REAL, FALSE, FALSE], FALSE, SuggestedBy.HISTORY),
        (Category.FIRE, True, [REAL, REAL, FALSE, FALSE], REAL, SuggestedBy.ALARM),
        (Category.FIRE, True, [SAME, SAME, SAME, SAME, FALSE, FALSE, FALSE], FALSE, SuggestedBy.HISTORY),
        (Category.FIRE, True, [REAL] * 5 + [FALSE] * 9, REAL, SuggestedBy.HISTORY),
    ],
)
def test_the_suggested_code_follows_history_then_the_alarm_then_the_category(
    category: Category, has_alarm: bool, history: list[ClosingCode], code: ClosingCode, by: SuggestedBy
) -> None:
    found = suggest(category=category, has_alarm=has_alarm, history=history)
    assert (found.code, found.by) == (code, by)


def strokes(*, lines: int = 3, size: tuple[int, int] = (200, 80), form: str = "PNG") -> bytes:
    """Dark lines on clear glass."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for line in range(lines):
        pen.line([(10, 15 + 15 * line), (size[0] - 10, 25 + 15 * line)], fill="black", width=3)
    out = io.BytesIO()
    (image if form == "PNG" else image.convert("RGB")).save(out, form)
    return out.getvalue()


def test_a_signature_is_kept_dark_on_white() -> None:
    with Image.open(io.BytesIO(clean_signature(strokes()).data)) as kept:
        assert kept.convert("L").getpixel((1, 1)) == 255
        assert min(kept.convert("L").tobytes()) < 60


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (strokes(lines=0), SignatureRefused),
        (strokes(size=(40, 20)), SignatureRefused),
        (strokes(form="JPEG"), PhotoRefused),
        (b"\x89PNG", PhotoRefused),
    ],
)
def test_what_is_no_signature_is_refused(raw: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        clean_signature(raw)
