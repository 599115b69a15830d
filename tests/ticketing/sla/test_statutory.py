"""Published years against the rule for years that are entered by hand."""

from datetime import date

import pytest

from ticketing.sla.state_calendar import state_year
from ticketing.sla.statutory import is_whole

YEARS = range(2018, 2027)


@pytest.mark.parametrize("year", YEARS)
def test_a_year_is_whole_when_all_that_was_published_is_entered_and_not_without_one_of_the_holidays(year: int) -> None:
    published = state_year(year)
    assert published is not None
    assert is_whole(year, published.holidays)
    for holiday in set(published.holidays.values()):
        assert not is_whole(year, [day for day, name in published.holidays.items() if name != holiday]), holiday


def test_some_days_are_not_a_year() -> None:
    assert not is_whole(2027, [])
    assert not is_whole(2027, [date(2027, 1, 1)])
    weekends = [day for day in map(date.fromordinal, range(date(2027, 1, 1).toordinal(), date(2028, 1, 1).toordinal()))
                if day.weekday() > 4]  # fmt: skip
    assert not is_whole(2027, weekends), "they are closed anyway"
