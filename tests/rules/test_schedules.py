"""Hours of the week: by the clocks of the site, over midnight, over the weekend and over a change of the clocks."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from rules.schedules import are_within, next_boundary_ms, parse_schedule
from tests.rules.plant import T0, at, judge, judged, rule, ticked

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"


def ms(text: str, zone: str = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("schedule", "local", "zone", "expected"),
    [
        ("22:00-06:00", "2026-11-22 21:59:59.999", SHANGHAI, False),
        ("22:00-06:00", "2026-11-22 22:00", SHANGHAI, True),
        ("22:00-06:00", "2026-11-23 05:59:59.999", SHANGHAI, True),
        ("22:00-06:00", "2026-11-23 06:00", SHANGHAI, False),
        ("22:00-06:00", "2026-11-23 01:00", BERLIN, True),
        ("00:00-24:00", "2026-11-23 00:00", SHANGHAI, True),
        ("Mon-Fri 08:00-18:00, Sat 9:00-12:00", "2026-11-21 11:00", SHANGHAI, True),
        ("Mon-Fri 08:00-18:00, Sat 9:00-12:00", "2026-11-21 13:00", SHANGHAI, False),
        ("Mon-Fri 08:00-18:00, Sat 9:00-12:00", "2026-11-22 11:00", SHANGHAI, False),
        ("Fri 22:00-02:00", "2026-11-21 01:30", SHANGHAI, True),
        ("Sat-Mon 00:00-24:00", "2026-11-23 23:59", SHANGHAI, True),
        ("Sat-Mon 00:00-24:00", "2026-11-24 00:00", SHANGHAI, False),
        ("02:30-05:00", "2026-03-29 03:00", BERLIN, False),
        ("02:30-05:00", "2026-03-29 03:30", BERLIN, True),
    ],
)
def test_an_instant_is_in_a_schedule_by_the_clocks_of_the_site(
    schedule: str, local: str, zone: str, expected: bool
) -> None:
    assert are_within(parse_schedule(schedule), zone, np.array([ms(local, zone)])).tolist() == [expected]


@pytest.mark.parametrize(
    "text", ["", "night", "22-6", "25:00-26:00", "08:60-09:00", "Mo 08:00-18:00", "24:00-24:00", "Mon-Abc 1:00-2:00"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|days|hours"):
        parse_schedule(text)


def test_the_next_boundary_is_where_it_begins_or_ends_next_also_across_months() -> None:
    night = parse_schedule("22:00-06:00")
    asked = [ms("2026-11-22 21:00"), ms("2026-11-22 22:00"), ms("2026-12-31 23:00"), ms("2031-01-01 06:00")]
    expected = [ms("2026-11-22 22:00"), ms("2026-11-23 06:00"), ms("2027-01-01 06:00"), ms("2031-01-01 22:00")]
    assert next_boundary_ms(night, SHANGHAI, np.array(asked)).tolist() == expected


def test_a_rule_turns_when_its_hours_begin_and_end_though_nothing_is_said() -> None:
    """T0 is 12:00 in Shanghai."""
    leak = rule(when="ca > 5 and in_schedule('lunch')", schedules={"lunch": parse_schedule("12:10-12:30")})
    it = judge(leak)
    assert judged(it, at(0, ca=9)) == []
    assert ticked(it, 600) == []
    assert ticked(it, 601) == [(True, 600, 600)]
    assert ticked(it, 1801) == [(False, 600, 1800)]
    assert ms("2025-11-22 12:00") == T0
