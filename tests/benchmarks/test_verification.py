"""A bench that would not notice a loss proves nothing: each kind of damage must show, as that kind."""

from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks.line.listener import RAISED, RETURNED, AlarmHeard, HeardAt
from benchmarks.line.log import PublicationLog
from benchmarks.line.subject import StoredReadings
from benchmarks.line.verification import Published, latencies_ms, verify
from benchmarks.line.workload import Fleet, hundredths, is_above

FLEET = Fleet(40)
MESSAGES = 4_000
BEGAN_MS = 1_795_337_431_000


def published() -> Published:
    numbers = np.arange(MESSAGES, dtype=np.int64)
    log = PublicationLog(BEGAN_MS + numbers // 7, 1_000_000 * numbers)
    return Published(log=log, fleet=FLEET, crossings_until=MESSAGES - FLEET.devices)


def stored(of: Published) -> StoredReadings:
    """Exactly what has to be there, in an order of its own."""
    values = hundredths(of.numbers, is_above(of.numbers, until=of.crossings_until)) / 100
    order = np.random.default_rng(1).permutation(MESSAGES * 4)
    device = np.repeat(of.numbers % FLEET.devices, 4)
    point, ts_ms = np.tile(np.arange(4), MESSAGES), np.repeat(of.log.ts_ms, 4)
    return StoredReadings(device[order], point[order], ts_ms[order], values.ravel()[order])


def heard(of: Published) -> list[HeardAt]:
    """Every alarm 5 ms after its message."""
    return [
        HeardAt(int(of.log.sent_ns[cause]) + 5_000_000, AlarmHeard(f"DEV-{device:04}", transition, ts_ms))
        for (transition, device, ts_ms), cause in of.alarms.items()
    ]


def without(readings: StoredReadings, row: int) -> StoredReadings:
    return StoredReadings(*(np.delete(column, row) for column in asdict(readings).values()))


def doubled(readings: StoredReadings, row: int) -> StoredReadings:
    return StoredReadings(*(np.append(column, column[row]) for column in asdict(readings).values()))


def altered(readings: StoredReadings, row: int) -> StoredReadings:
    value = readings.value.copy()
    value[row] += 0.01
    return replace(readings, value=value)


def test_what_arrived_whole_is_clean() -> None:
    run = published()
    verdict = verify(run, stored(run), heard(run))
    assert verdict.is_clean
    assert (verdict.readings, verdict.alarms) == (4 * MESSAGES, 2 * 20)


@pytest.mark.parametrize(
    ("damage", "shows"),
    [
        (lambda readings: without(readings, 77), {"readings_lost": 1}),
        (lambda readings: doubled(readings, 77), {"readings_doubled": 1}),
        (lambda readings: altered(readings, 77), {"readings_foreign": 1}),
        (lambda readings: doubled(without(readings, 77), 78), {"readings_lost": 1, "readings_doubled": 1}),
        (lambda readings: StoredReadings.concat([]), {"readings_lost": 4 * MESSAGES}),
    ],
)
def test_a_damaged_reading_shows(damage: Callable[[StoredReadings], StoredReadings], shows: dict[str, int]) -> None:
    run = published()
    verdict = asdict(verify(run, damage(stored(run)), heard(run)))
    assert {name: count for name, count in verdict.items() if count and name not in ("readings", "alarms")} == shows


def moved(alarms: list[HeardAt]) -> list[HeardAt]:
    alarm = alarms[3].alarm
    late = AlarmHeard(alarm.equipment, alarm.transition, alarm.event_ms + 1)
    return [*alarms[:3], HeardAt(alarms[3].stamp_ns, late), *alarms[4:]]


@pytest.mark.parametrize(
    ("damage", "shows"),
    [
        (lambda alarms: alarms[1:], {"alarms_lost": 1}),
        (lambda alarms: [*alarms, alarms[0]], {"alarms_doubled": 1}),
        (lambda alarms: [*alarms[1:], alarms[1]], {"alarms_lost": 1, "alarms_doubled": 1}),
        (moved, {"alarms_lost": 1, "alarms_foreign": 1}),
    ],
)
def test_a_damaged_alarm_shows(damage: Callable[[list[HeardAt]], list[HeardAt]], shows: dict[str, int]) -> None:
    run = published()
    verdict = asdict(verify(run, stored(run), damage(heard(run))))
    assert {name: count for name, count in verdict.items() if count and name not in ("readings", "alarms")} == shows


def test_a_raise_does_not_stand_for_a_return() -> None:
    run = published()
    swapped = {RAISED: RETURNED, RETURNED: RAISED}
    told = [
        HeardAt(each.stamp_ns, AlarmHeard(each.alarm.equipment, swapped[each.alarm.transition], each.alarm.event_ms))
        for each in heard(run)
    ]
    verdict = verify(run, stored(run), told)
    assert verdict.alarms_lost == verdict.alarms_foreign == verdict.alarms


def test_latency_counts_from_the_message_that_caused_it_to_the_first_telling() -> None:
    run = published()
    told = heard(run)
    again = [HeardAt(each.stamp_ns + 90_000_000, each.alarm) for each in told]
    assert latencies_ms(run, told + again) == pytest.approx(np.full(len(told), 5.0))
