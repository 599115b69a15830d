"""When a maintenance window holds, by the clock of its site, and what stands in it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from alarms.models import InhibitionKind, MaintenanceWindow
from alarms.windows.schedule import coming, holds_on, lineage, occurrence_at
from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry

SITE, ELSEWHERE, BUILDING = UUID(int=1), UUID(int=2), UUID(int=3)
# Tuesday 2026-11-24, 23:30 in Shanghai.
TUESDAY = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
BEGIN = TUESDAY - timedelta(days=30)


def window(**facts: Any) -> MaintenanceWindow:
    nightly: dict[str, Any] = {
        "site_id": SITE, "timezone": "Asia/Shanghai", "starts_at": BEGIN, "ends_at": None, "weekdays": [2],
        "from_min": 23 * 60 + 30, "duration_min": 90, "equipment_ids": [], "building_id": None, "reason": "保养",
    }  # fmt: skip
    return MaintenanceWindow(**(nightly | facts))


ONCE: dict[str, Any] = {"weekdays": [], "from_min": None, "duration_min": None, "starts_at": TUESDAY}


@pytest.mark.parametrize(
    ("facts", "after", "holds"),
    [
        ({}, timedelta(milliseconds=-1), False),
        ({}, timedelta(), True),
        ({}, timedelta(minutes=45), True),  # Wednesday at the site, and still Tuesday's window
        ({}, timedelta(minutes=90), False),
        ({}, timedelta(days=7), True),
        ({}, timedelta(days=1), False),
        ({"starts_at": TUESDAY + timedelta(minutes=10)}, timedelta(minutes=5), False),
        ({"ends_at": TUESDAY + timedelta(minutes=10)}, timedelta(minutes=10), False),
        ({**ONCE, "ends_at": TUESDAY + timedelta(hours=1)}, timedelta(minutes=59), True),
        ({**ONCE, "ends_at": TUESDAY + timedelta(hours=1)}, timedelta(hours=1), False),
    ],
)
def test_a_window_holds_by_the_clock_of_its_site(facts: dict[str, Any], after: timedelta, holds: bool) -> None:
    assert (occurrence_at(window(**facts), TUESDAY + after) is not None) == holds


def test_what_comes_next_is_what_holds_now_or_the_soonest() -> None:
    every = window(weekdays=[2, 5])
    now = coming(every, TUESDAY + timedelta(minutes=5))
    then = coming(every, TUESDAY + timedelta(hours=2))
    assert now is not None
    assert then is not None
    assert (now.starts_at, then.starts_at) == (TUESDAY, TUESDAY + timedelta(days=3))
    assert coming(window(ends_at=TUESDAY), TUESDAY) is None


def test_an_hour_that_the_clocks_leave_out_makes_no_window_longer() -> None:
    # Berlin goes from 02:00 to 03:00 on 2026-03-29.
    spring = window(timezone="Europe/Berlin", starts_at=datetime(2026, 3, 1, tzinfo=UTC), weekdays=[7], from_min=90)
    found = coming(spring, datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    assert found is not None
    assert found.ends_at - found.starts_at == timedelta(minutes=90)


def entry(number: int, *, parent: int | None = None, building: UUID | None = BUILDING) -> EquipmentEntry:
    return EquipmentEntry(
        equipment_id=UUID(int=number), site_id=SITE, site_code="s", code=str(number), name="", kind=EquipmentKind.PUMP,
        profile_key="p", protocol="mqtt", external_id="", address={}, partition=0,
        parent_id=None if parent is None else UUID(int=parent), building_id=building, in_service=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({}, True),
        ({"site_id": ELSEWHERE}, False),
        ({"building_id": BUILDING}, True),
        ({"building_id": ELSEWHERE}, False),
        ({"equipment_ids": [str(UUID(int=12))]}, True),
        ({"equipment_ids": [str(UUID(int=10))]}, True),  # what it hangs on
        ({"equipment_ids": [str(UUID(int=13))]}, False),
        ({"ended_at": TUESDAY}, False),
    ],
)
def test_what_stands_in_a_window(facts: dict[str, Any], holds: bool) -> None:
    by_id = {one.equipment_id: one for one in (entry(10), entry(11, parent=10), entry(12, parent=11))}
    pump = by_id[UUID(int=12)]
    found = holds_on([window(**facts)], pump, lineage(pump, by_id), now=TUESDAY)
    ends = TUESDAY + timedelta(minutes=90)
    assert [(one.kind, one.until) for one in found] == ([(InhibitionKind.MAINTENANCE, ends)] if holds else [])


def test_equipment_that_hangs_in_a_ring_has_an_end() -> None:
    by_id = {one.equipment_id: one for one in (entry(10, parent=11), entry(11, parent=10))}
    assert lineage(by_id[UUID(int=10)], by_id) == [UUID(int=10), UUID(int=11)]
