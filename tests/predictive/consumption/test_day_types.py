"""Which days are alike."""

from datetime import date

import pytest

from predictive.consumption.day_types import DayType, day_type, unpublished_years


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 11, 23), DayType.WORKDAY),
        (date(2026, 11, 22), DayType.WEEKEND),
        (date(2026, 2, 17), DayType.HOLIDAY),  # Spring Festival
        (date(2026, 2, 14), DayType.WORKDAY),  # a Saturday worked in exchange
        (date(2026, 2, 28), DayType.WORKDAY),
        (date(2026, 10, 1), DayType.HOLIDAY),
        (date(2026, 10, 10), DayType.WORKDAY),
    ],
)  # fmt: skip
def test_a_day_is_worked_free_or_a_feast(day: date, kind: DayType) -> None:
    assert day_type(day) is kind


def test_of_a_year_not_published_the_days_by_law_are_known() -> None:
    far = 2150
    assert day_type(date(far, 10, 1)) is DayType.HOLIDAY
    assert day_type(date(far, 11, 7)) is DayType.WEEKEND  # a Saturday
    assert day_type(date(far, 11, 9)) is DayType.WORKDAY
    assert unpublished_years(date(far, 12, 30), 4) == [far, far + 1]
    assert unpublished_years(date(2026, 5, 1), 30) == []
