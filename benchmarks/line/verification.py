"""Whether what was published is what arrived: every reading stored once and unchanged, every alarm told once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.line.listener import RAISED, RETURNED, HeardAt
from benchmarks.line.log import PublicationLog
from benchmarks.line.subject import StoredReadings
from benchmarks.line.workload import POINTS, Fleet, hundredths, is_above, raises, returns

Keys = npt.NDArray[np.int64]
AlarmKey = tuple[str, int, int]
"""Transition, device, event time in ms."""

_HALF_A_HUNDREDTH = 0.005


@dataclass(frozen=True, kw_only=True)
class Published:
    """One run of the publisher: message n is row n of the log; from `crossings_until` on none crosses."""

    log: PublicationLog
    fleet: Fleet
    crossings_until: int

    @property
    def messages(self) -> int:
        return len(self.log.ts_ms)

    @property
    def numbers(self) -> Keys:
        return np.arange(self.messages, dtype=np.int64)

    @property
    def alarms(self) -> dict[AlarmKey, int]:
        """Every transition there has to be → the number of the message that causes it."""
        numbers, devices = self.numbers, self.fleet.devices
        raised = numbers[raises(numbers, devices, until=self.crossings_until)]
        returned = numbers[returns(numbers, devices, until=self.crossings_until)]
        ts_ms = self.log.ts_ms
        return {(RAISED, int(n) % devices, int(ts_ms[n])): int(n) for n in raised} | {
            (RETURNED, int(n) % devices, int(ts_ms[n])): int(n) for n in returned
        }


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`doubled`: once too often, each time. `foreign`: never published, or with another value."""

    readings: int
    readings_lost: int
    readings_doubled: int
    readings_foreign: int
    alarms: int
    alarms_lost: int
    alarms_doubled: int
    alarms_foreign: int

    @property
    def is_clean(self) -> bool:
        found = asdict(self)
        return all(found[name] == 0 for name in found if name not in ("readings", "alarms"))


def verify(published: Published, stored: StoredReadings, heard: Sequence[HeardAt]) -> Verdict:
    """Compares one by one, not totals: a lost reading and a doubled one do not make up for each other."""
    expected, values = _expected(published)
    order = np.argsort(expected)
    expected, values = expected[order], values[order]
    found, first, times = np.unique(
        _keys(stored.device, stored.point, stored.ts_ms), return_index=True, return_counts=True
    )
    at = np.searchsorted(expected, found)
    known = (at < len(expected)) & (expected[np.minimum(at, len(expected) - 1)] == found)
    same = np.abs(stored.value[first][known] - values[at[known]] / 100) < _HALF_A_HUNDREDTH
    alarms = published.alarms
    told = Counter(_alarm_key(each) for each in heard)
    return Verdict(
        readings=len(expected),
        readings_lost=len(expected) - int(known.sum()),
        readings_doubled=int((times[known] - 1).sum()),
        readings_foreign=int((~known).sum() + (~same).sum()),
        alarms=len(alarms),
        alarms_lost=len(alarms.keys() - told.keys()),
        alarms_doubled=sum(told[key] - 1 for key in alarms.keys() & told.keys()),
        alarms_foreign=sum(told[key] for key in told.keys() - alarms.keys()),
    )


def latencies_ms(published: Published, heard: Sequence[HeardAt]) -> npt.NDArray[np.float64]:
    """From the handing of a message to the kernel to its alarm's first arrival, for every alarm that came."""
    causes, seen, found = published.alarms, set(), []
    for each in heard:
        key = _alarm_key(each)
        if key in causes and key not in seen:
            seen.add(key)
            found.append((each.stamp_ns - int(published.log.sent_ns[causes[key]])) / 1e6)
    return np.array(found)


def _expected(published: Published) -> tuple[Keys, Keys]:
    """Key and value (hundredths) of every reading there has to be."""
    numbers = published.numbers
    values = hundredths(numbers, is_above(numbers, until=published.crossings_until))
    points = np.tile(np.arange(len(POINTS), dtype=np.int64), len(numbers))
    devices = np.repeat(numbers % published.fleet.devices, len(POINTS))
    return _keys(devices, points, np.repeat(published.log.ts_ms, len(POINTS))), values.ravel()


def _keys(device: Keys, point: Keys, ts_ms: Keys) -> Keys:
    """One number a reading: ms since the epoch need 42 bits until the year 2109, 9,999 devices of 4 points 16."""
    return (device * len(POINTS) + point) << 42 | ts_ms


def _alarm_key(heard: HeardAt) -> AlarmKey:
    alarm = heard.alarm
    return alarm.transition, int(alarm.equipment.rpartition("-")[2]), alarm.event_ms
