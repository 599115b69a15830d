"""Which open order or alarm explains a new one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.flood.topology import SILENCE, Trouble, accounts_for, cause_of, explained_by, explains, root_of
from building.equipment import EquipmentKind
from catalog.views import Upstream

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
POWER, GATEWAY, PUMP, RISER = (UUID(int=number) for number in range(1, 5))
OF_RISER = [
    Upstream(PUMP, EquipmentKind.PUMP, 1),
    Upstream(GATEWAY, EquipmentKind.GATEWAY, 2),
    Upstream(POWER, EquipmentKind.POWER_SUPPLY, 3),
]
OF_PUMP = [Upstream(GATEWAY, EquipmentKind.GATEWAY, 1), Upstream(POWER, EquipmentKind.POWER_SUPPLY, 2)]


def trouble(equipment: UUID, *, minutes: int = 0, order: int | None = None, fault_mode: str | None = None) -> Trouble:
    opened_at = NOON + timedelta(minutes=minutes)
    return Trouble(UUID(int=order or equipment.int + 100), equipment, opened_at, fault_mode)


@pytest.mark.parametrize(
    ("what", "above", "troubles", "fault_mode", "root"),
    [
        ("nothing open above", OF_RISER, [], "low_pressure", None),
        ("its pump", OF_RISER, [PUMP], "low_pressure", PUMP),
        ("the power explains pump and riser", OF_RISER, [PUMP, POWER], None, POWER),
        ("a gateway explains no pressure", OF_PUMP, [GATEWAY], "low_pressure", None),
        ("a gateway explains the silence of its device", OF_PUMP, [GATEWAY], SILENCE, GATEWAY),
        ("but not of what hangs on that device", OF_RISER, [GATEWAY], SILENCE, None),
        ("power behind a gateway explains all", OF_PUMP, [POWER, GATEWAY], "dry_run", POWER),
        ("something else", OF_PUMP, [RISER], "dry_run", None),
    ],
)
def test_the_root(
    what: str, above: list[Upstream], troubles: list[UUID], fault_mode: str | None, root: UUID | None
) -> None:
    found = root_of(above, [trouble(one) for one in troubles], fault_mode=fault_mode)
    assert (found.equipment_id if found else None) == root


def test_of_two_orders_about_the_root_the_older_is_it() -> None:
    older, newer = trouble(PUMP, order=7), trouble(PUMP, order=8, minutes=5)
    found = root_of(OF_RISER, [newer, older], fault_mode=None)
    assert found == older


def test_what_a_new_root_explains() -> None:
    below = {GATEWAY: 1, PUMP: 2, RISER: 3}
    standing = [trouble(PUMP, fault_mode="dry_run"), trouble(RISER), trouble(UUID(int=99))]
    assert explained_by(EquipmentKind.POWER_SUPPLY, below, standing) == standing[:2]
    assert explained_by(EquipmentKind.GATEWAY, {PUMP: 1, RISER: 2}, standing) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(list(EquipmentKind)), max_size=5), st.data())
def test_the_root_lies_above_and_nothing_further_up_explains_it(
    kinds: list[EquipmentKind], data: st.DataObject
) -> None:
    above = [Upstream(UUID(int=step), kind, step) for step, kind in enumerate(kinds, start=1)]
    troubled = data.draw(st.sets(st.integers(1, 7)))
    fault_mode = data.draw(st.sampled_from([None, SILENCE, "dry_run"]))
    found = root_of(above, [trouble(UUID(int=one)) for one in troubled], fault_mode=fault_mode)
    fitting = [
        one for one in above if one.steps in troubled and explains(one.kind, steps=one.steps, fault_mode=fault_mode)
    ]
    assert (found is None) == (not fitting)
    if found is not None:
        assert found.equipment_id.int == max(one.steps for one in fitting)


@pytest.mark.parametrize(
    ("what", "kind", "cause", "fault_mode", "accounts"),
    [
        ("a silent gateway for a silent device", EquipmentKind.GATEWAY, SILENCE, SILENCE, True),
        ("not for what a device says", EquipmentKind.GATEWAY, SILENCE, "low_pressure", False),
        ("a gateway without power too", EquipmentKind.GATEWAY, "power_loss", SILENCE, True),
        ("a gateway with a low battery for nothing", EquipmentKind.GATEWAY, "battery_low", SILENCE, False),
        ("lost power for everything below", EquipmentKind.POWER_SUPPLY, "power_loss", "pump_fault", True),
        ("a silent supply for silence", EquipmentKind.POWER_SUPPLY, SILENCE, SILENCE, True),
        ("a silent supply for no fault", EquipmentKind.POWER_SUPPLY, SILENCE, "pump_fault", False),
        ("a pump's bearing for nothing", EquipmentKind.PUMP, "bearing_wear", "low_pressure", False),
        ("a silent meter for nothing", EquipmentKind.ELECTRICITY_METER, SILENCE, SILENCE, False),
        ("a phase lost at a meter for what it feeds", EquipmentKind.ELECTRICITY_METER, "phase_loss", "dry_run", True),
    ],
)
def test_what_an_alarm_accounts_for(
    what: str, kind: EquipmentKind, cause: str, fault_mode: str, accounts: bool
) -> None:
    assert accounts_for(kind, cause=cause, steps=1, fault_mode=fault_mode) is accounts


def test_the_cause_of_an_alarm_is_the_furthest_up_and_did_not_come_long_after_it() -> None:
    by_equipment = {
        POWER: [trouble(POWER, fault_mode="power_loss")],
        GATEWAY: [trouble(GATEWAY, fault_mode=SILENCE, minutes=-1)],
    }
    at_noon = cause_of(OF_PUMP, by_equipment, fault_mode=SILENCE, onset_at=NOON)
    assert at_noon is not None
    assert at_noon.equipment_id == POWER
    assert cause_of(OF_PUMP, by_equipment, fault_mode=SILENCE, onset_at=NOON - timedelta(hours=1)) is None
    assert cause_of([], by_equipment, fault_mode=SILENCE, onset_at=NOON) is None
