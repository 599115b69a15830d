from datetime import UTC, datetime, timedelta
from uuid import UUID

from ticketing.incidents.incident import IncidentKey, OpenIncident, find_same

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LIFT, PUMP = UUID(int=1), UUID(int=2)


def standing(key: IncidentKey, *, number: int = 1, priority: int = 2, minutes: int = 0) -> OpenIncident:
    return OpenIncident(UUID(int=number), UUID(int=number), key, priority, NOON + timedelta(minutes=minutes))


def key(fault_mode: str | None, equipment: UUID = LIFT) -> IncidentKey:
    return IncidentKey.of_equipment(equipment, fault_mode)


def test_the_same_fault_of_the_same_equipment_is_the_same_incident() -> None:
    one = standing(key("door_stuck"))
    assert find_same(key("door_stuck"), [one]) is one
    assert find_same(key("door_stuck", PUMP), [one]) is None


def test_two_different_faults_of_one_equipment_stay_two() -> None:
    assert find_same(key("passenger_trapped"), [standing(key("door_stuck"))]) is None


def test_an_owner_who_names_no_fault_joins_whatever_is_open_there() -> None:
    one = standing(key("door_stuck"))
    assert find_same(key(None), [one]) is one


def test_of_several_the_most_urgent_is_joined_then_the_newest() -> None:
    calm = standing(key("levelling_error"), number=1, priority=3, minutes=9)
    trapped = standing(key("passenger_trapped"), number=2, priority=1)
    newer = standing(key("elevator_fault"), number=3, priority=1, minutes=5)
    assert find_same(key(None), [calm, trapped]) is trapped
    assert find_same(key(None), [calm, trapped, newer]) is newer


def test_what_a_sensor_says_joins_what_people_reported_before() -> None:
    vague = standing(key(None))
    assert find_same(key("passenger_trapped"), [vague]) is vague


def test_an_exact_match_goes_before_a_vague_one() -> None:
    vague, exact = standing(key(None), number=1), standing(key("door_stuck"), number=2)
    assert find_same(key("door_stuck"), [vague, exact]) is exact


def test_places_join_by_category_and_are_never_vague() -> None:
    leak = IncidentKey.of_space(UUID(int=9), "water_leak")
    assert find_same(leak, [standing(leak)]) is not None
    assert find_same(IncidentKey.of_space(UUID(int=9), "unknown"), [standing(leak)]) is None


def test_what_is_nowhere_stands_alone() -> None:
    alone = IncidentKey.of_nothing_known(UUID(int=7))
    assert find_same(alone, [standing(IncidentKey.of_nothing_known(UUID(int=8)))]) is None
