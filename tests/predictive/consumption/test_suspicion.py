"""Leaks at night, meters that fail, counts that fall away: found, and not found where there are none."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from predictive.consumption.balance import balance_loss, losses, theft
from predictive.consumption.days import days_of
from predictive.consumption.faults import drop, failing
from predictive.consumption.night import night_leak
from predictive.consumption.register import Floats, read_register
from predictive.consumption.suspicion import Group, Meter, MeterMode
from tests.predictive.consumption.homes import FIRST, homes, plant, shown, start_ms, times

DAYS = 80
COUNT = 40
TYPICAL_H = 0.013


def meter(use: Floats, *, register: Floats | None = None, flow: float | None = None) -> Meter:
    value = shown(use) if register is None else register
    read = read_register(times(len(use)), value, start_ms=start_ms(), hours=len(use))
    return Meter.of(read, days_of(read, first=FIRST, typical_h=TYPICAL_H), flow=flow)


@lru_cache
def sound() -> tuple[Meter, ...]:
    return tuple(meter(use) for use in homes(COUNT, DAYS, seed=11))


def with_one(one: Meter, place: int = 0) -> Group:
    meters = list(sound())
    meters[place] = one
    return Group.of(meters)


def use_of(place: int) -> Floats:
    use: Floats = homes(COUNT, DAYS, seed=11)[place].copy()
    return use


def busy() -> int:
    """The place of a home that uses about as much as most."""
    totals = [float(np.nanmean(one.days.totals)) for one in sound()]
    return int(np.argsort(totals)[COUNT // 2])


@pytest.mark.parametrize(("leak_l_h", "within_days"), [(3, 7), (8, 6), (40, 6)])
def test_a_small_leak_is_found_in_a_week_with_its_size(leak_l_h: float, within_days: int) -> None:
    place, use = busy(), use_of(busy())
    use[-within_days * 24 :] += leak_l_h / 1000
    found = night_leak(with_one(meter(use), place), place)
    assert found is not None
    assert found.mode is MeterMode.NIGHT_LEAK
    assert found.value - found.usual == pytest.approx(leak_l_h / 1000, rel=0.35)
    assert abs(found.since_ms - sound()[0].days.day_ms(DAYS - within_days)) <= 2 * 86_400_000
    assert found.wasted_a_day == pytest.approx(24 * leak_l_h / 1000, rel=0.35)
    assert found.score >= 1


def test_sound_homes_have_no_leak_and_no_fault() -> None:
    group = Group.of(sound())
    found = [(place, f(group, place)) for place in range(COUNT) for f in (night_leak, failing, drop)]
    assert [one for one in found if one[1] is not None] == []


def test_a_leak_that_is_mended_is_gone_the_night_after() -> None:
    place, use = busy(), use_of(busy())
    use[-10 * 24 : -24] += 0.02
    assert night_leak(with_one(meter(use), place), place) is None


def test_a_leak_from_the_first_day_shows_beside_its_like() -> None:
    place, use = busy(), use_of(busy())
    found = night_leak(with_one(meter(use + 0.012), place), place)
    assert found is not None
    assert found.peers_high is not None
    assert found.value > found.peers_high


def test_what_all_have_on_the_same_nights_is_no_leak() -> None:
    """Taps left running against frost."""
    uses = homes(COUNT, DAYS, seed=11)
    uses[:, -7 * 24 :] += 0.005
    group = Group.of([meter(use) for use in uses])
    assert night_leak(group, busy()) is None


def test_the_unit_changes_no_verdict() -> None:
    place, use = busy(), use_of(busy())
    use[-7 * 24 :] += 0.006
    plain = night_leak(with_one(meter(use), place), place)
    litres = [1000 * shown(row) for row in homes(COUNT, DAYS, seed=11)]
    litres[place] = 1000 * shown(use)
    reads = [read_register(times(DAYS * 24), one, start_ms=start_ms(), hours=DAYS * 24) for one in litres]
    meters = [Meter.of(read, days_of(read, first=FIRST, typical_h=TYPICAL_H * 1000)) for read in reads]
    scaled = night_leak(Group.of(meters), place)
    assert plain is not None
    assert scaled is not None
    assert scaled.score == pytest.approx(plain.score)
    assert scaled.value == pytest.approx(1000 * plain.value)


def test_a_meter_that_stands_still_while_water_flows_is_stuck_at_once() -> None:
    place, use = busy(), use_of(busy())
    use[-7:] = 0
    assert failing(with_one(meter(use), place), place) is None
    found = failing(with_one(meter(use, flow=0.02), place), place)
    assert found is not None
    assert found.mode is MeterMode.METER_STUCK


def test_a_home_is_stuck_only_after_longer_than_homes_ever_rest() -> None:
    place, use = busy(), use_of(busy())
    use[-30 * 24 :] = 0
    found = failing(with_one(meter(use), place), place)
    assert found is not None
    assert found.mode is MeterMode.METER_STUCK
    use = use_of(place)
    use[-40:] = 0
    assert failing(with_one(meter(use), place), place) is None


def test_a_plant_that_never_rests_is_stuck_in_hours() -> None:
    use = plant(40, seed=1)
    use[-10:] = 0
    assert failing(Group.of([meter(use)]), 0) is not None


def test_when_the_water_is_off_for_all_nobody_is_stuck() -> None:
    uses = homes(COUNT, DAYS, seed=11)
    uses[:, -30 * 24 :] = 0
    group = Group.of([meter(use) for use in uses])
    assert [place for place in range(COUNT) if failing(group, place) is not None] == []


def test_a_meter_that_runs_backwards_and_one_that_slips_are_named() -> None:
    place = busy()
    value = shown(use_of(place))
    back, slip = value.copy(), value.copy()
    back[-100:] = back[-100] - (back[-100:] - back[-100])
    slip[-50:] += 777.3
    for register, mode in ((back, MeterMode.METER_REVERSED), (slip, MeterMode.METER_JUMP)):
        found = failing(with_one(meter(use_of(place), register=register), place), place)
        assert found is not None
        assert found.mode is mode


def test_a_meter_that_is_passed_by_falls_while_its_like_go_on() -> None:
    place, use = busy(), use_of(busy())
    use[-14 * 24 :] *= 0.3
    found = drop(with_one(meter(use), place), place)
    assert found is not None
    assert found.mode is MeterMode.CONSUMPTION_DROP
    assert found.value < 0.5 * found.usual


def test_what_the_supply_counts_and_homes_do_not_is_found_and_the_home_named() -> None:
    place, uses = busy(), homes(COUNT, DAYS, seed=11)
    uses[place] *= 6  # a shop: its share of the whole can be seen
    supply = meter(uses.sum(axis=0) * 1.04)
    uses[place, -14 * 24 :] *= 0.1
    group = Group.of([meter(use) for use in uses])
    loss = balance_loss(supply, group.meters, group.levels)
    assert loss is not None
    assert loss.mode is MeterMode.BALANCE_LOSS
    fell = drop(group, place)
    assert fell is not None
    stolen = theft(loss, fell)
    assert stolen is not None
    assert stolen.mode is MeterMode.THEFT
    assert stolen.confidence > fell.confidence


def test_a_balance_that_holds_says_nothing_nor_does_one_with_too_few_known() -> None:
    supply = meter(homes(COUNT, DAYS, seed=11).sum(axis=0) * 1.04)
    group = Group.of(sound())
    assert balance_loss(supply, group.meters, group.levels) is None
    blind = [
        replace(one, days=replace(one.days, totals=np.full(DAYS, np.nan))) if place % 2 else one
        for place, one in enumerate(group.meters)
    ]
    assert np.isnan(losses(supply, blind, group.levels)[-20:]).all()


def test_meters_without_any_history_are_in_nobodys_way() -> None:
    empty = read_register(np.empty(0, np.int64), np.empty(0), start_ms=start_ms(), hours=DAYS * 24)
    blank = Meter.of(empty, days_of(empty, first=FIRST, typical_h=TYPICAL_H))
    group = with_one(blank)
    assert night_leak(group, 0) is None
    assert failing(group, 0) is None
    assert drop(group, 0) is None
    assert Group.of([blank]).typical_h == 0
