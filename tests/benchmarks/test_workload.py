"""The workload: what crosses, what comes back, and that the hub takes its site, profile and rule."""

import tomllib

import numpy as np
import pytest

from benchmarks.line import workload
from benchmarks.line.workload import CROSSING_EVERY, THRESHOLD, Fleet, hundredths, is_above, raises, returns
from building.declaration import parse_site
from building.profile import parse_profile
from rules.schemas import RuleIn

FLEET = Fleet(2_000)
NUMBERS = np.arange(500_000, dtype=np.int64)


def test_one_message_in_200_crosses_and_every_crossing_has_a_return() -> None:
    high = raises(NUMBERS, FLEET.devices, until=len(NUMBERS) - FLEET.devices)
    back = returns(NUMBERS, FLEET.devices, until=len(NUMBERS) - FLEET.devices)
    assert high.sum() == (len(NUMBERS) - FLEET.devices) // CROSSING_EVERY
    assert back.sum() == high.sum()
    assert not (high & back).any()
    assert np.array_equal(NUMBERS[back], NUMBERS[high] + FLEET.devices)


@pytest.mark.parametrize("devices", [8, 16, 80, 200, 208, 1_464, 2_000, 9_992])
def test_alarms_of_a_device_take_turns_whatever_the_size_of_the_fleet(devices: int) -> None:
    numbers, until = NUMBERS[:100_000], 100_000 - devices
    change = raises(numbers, devices, until=until).astype(int) - returns(numbers, devices, until=until)
    for device in range(0, devices, max(1, devices // 16)):
        edges = change[device::devices]
        edges = edges[edges != 0]
        assert (edges[::2] == 1).all()
        assert (edges[1::2] == -1).all()
        assert len(edges) % 2 == 0


def test_the_crossings_wander_over_all_devices() -> None:
    high = NUMBERS[is_above(NUMBERS, until=len(NUMBERS))]
    assert len(np.unique(high % FLEET.devices)) > 0.7 * FLEET.devices, "of 2,000 devices by 2,500 crossings"


def test_only_what_crosses_is_above_the_threshold() -> None:
    high = is_above(NUMBERS, until=len(NUMBERS))
    first_point = hundredths(NUMBERS, high)[:, 0] / 100
    assert np.array_equal(first_point > THRESHOLD, high)


def test_values_are_five_characters_and_differ_from_one_message_of_a_device_to_its_next() -> None:
    values = hundredths(NUMBERS, is_above(NUMBERS, until=len(NUMBERS)))
    assert values.min() >= 1_000
    assert values.max() <= 9_999
    later = values[FLEET.devices :]
    assert ((later != values[: -FLEET.devices]).any(axis=1)).all()


def test_the_hub_takes_the_site_the_profile_and_the_rule() -> None:
    site = parse_site(tomllib.loads(workload.site_declaration(FLEET)))
    assert (len(site.buildings), len(site.equipment)) == (8, 2_000)
    assert {item.building for item in site.equipment} == {f"B{b}" for b in range(1, 9)}
    profile = parse_profile(tomllib.loads(workload.profile()))
    assert tuple(profile.points) == workload.POINTS
    rule = RuleIn.model_validate({"definition": workload.rule()})
    assert rule.definition.order is None
