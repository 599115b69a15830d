"""The readings that functions over time look back at: of each watched point, by event time, each reading once.

A pure function of what was said, whatever the order it came in; who looks back from an instant sees nothing newer than
that instant. So one history serves a judge and those who judge again beside it. A point's readings lie in one stretch
of two long arrays; 16 bytes a reading, and room for as many again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

# Older readings of a point than so many are let go even where a window asks for more.
MOST_READINGS = 6_000
_FIRST_ROOM = 8
# A window's beginning is looked for so many readings further on before it is searched for.
_STEPS = 3
_LONG_AGO = -(2**61)
FAR = 2**61


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Which points are looked back at: columns of equal length, one row a point. `track_of_slot` is a slot's row here,
    -1 where nobody looks back; `window_ms` is the longest window over the point."""

    track_of_slot: Rows
    slot: Rows
    point_no: Ints
    window_ms: Ints
    hold_ms: Ints
    is_periodic: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Past:
    """Of n points, the readings from the one that holds at the beginning of a window to the last, oldest first.

    `ts_ms` and `value` are (n, longest), filled up with the last reading; `inside` says which are in the window itself,
    so that the last column is what holds. `known`: the point had a value through all of the window. By time alone the
    oldest inside leaves the window at `leaves_ms`, and what holds is not known any more at `expires_ms`; FAR: never.
    """

    ts_ms: Ints
    value: Floats
    inside: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    leaves_ms: Ints
    expires_ms: Ints


class History:
    """What the windows over `kept` need. `floor_ms` (points): nobody will look at an instant before that any more."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        count = len(kept.slot)
        self._track = kept.track_of_slot
        self._keep_ms = kept.window_ms
        self._hold_ms = kept.hold_ms
        self.floor_ms = np.full(count, _LONG_AGO, np.int64)
        self._room = np.full(count, _FIRST_ROOM, np.int64)
        self._start = np.arange(count, dtype=np.int64) * _FIRST_ROOM
        self._count = np.zeros(count, np.int64)
        self._end = count * _FIRST_ROOM
        self._ts_ms = np.zeros(self._end, np.int64)
        self._value = np.zeros(self._end, np.float64)
        # By length of window: where each point's was found to begin the last time it was looked at.
        self._begins: dict[int, Ints] = {}

    @property
    def is_kept(self) -> bool:
        """Whether any rule looks back at all."""
        return len(self._keep_ms) > 0

    @property
    def readings(self) -> int:
        return int(self._count.sum())

    # --- taking in -----------------------------------------------------------------------------------------------

    def add(self, slots: Rows, ts_ms: Ints, value: Floats) -> None:
        """Takes readings in, in any order; of the same point and time the first stays.

        A periodic point's reading without a value is as one that never came.
        """
        if not self.is_kept or not len(slots):
            return
        tracks = self._track[slots]
        ours = tracks >= 0
        ours &= ~(np.isnan(value) & self.kept.is_periodic[tracks])
        if not ours.any():
            return
        tracks, ts_ms, value = tracks[ours], ts_ms[ours], value[ours]
        order = np.lexsort((np.arange(len(tracks)), ts_ms, tracks))
        tracks, ts_ms, value = tracks[order], ts_ms[order], value[order]
        is_first = np.ones(len(tracks), np.bool_)
        is_first[1:] = (tracks[1:] != tracks[:-1]) | (ts_ms[1:] != ts_ms[:-1])
        tracks, ts_ms, value = tracks[is_first], ts_ms[is_first], value[is_first]
        behind = ts_ms <= self._newest_ms()[tracks]
        if behind.any():
            apart = np.isin(tracks, tracks[behind])
            for track in np.unique(tracks[behind]).tolist():
                self._merge(track, ts_ms[tracks == track], value[tracks == track])
            tracks, ts_ms, value = tracks[~apart], ts_ms[~apart], value[~apart]
        self._append(tracks, ts_ms, value)

    def take_over(self, old: "History") -> None:
        """Copies what `old` has of points of both."""
        numbers = {number: track for track, number in enumerate(old.kept.point_no.tolist())}
        for track, number in enumerate(self.kept.point_no.tolist()):
            before = numbers.get(number)
            if before is None:
                continue
            begin = old._start[before]
            stretch = slice(begin, begin + old._count[before])
            self._replace(track, old._ts_ms[stretch], old._value[stretch])
            self.floor_ms[track] = old.floor_ms[before]

    # --- looking back --------------------------------------------------------------------------------------------

    def past(self, slots: Rows, at_ms: Ints, *, window_ms: int) -> Past:
        """What points (n) had said by these instants (n)."""
        tracks = self._track[slots]
        base, upper = self._start[tracks], self._places(tracks, at_ms)
        lower = self._beginnings(tracks, at_ms - window_ms, window_ms=window_ms)
        begin = np.maximum(lower - 1, 0)
        last = np.maximum(upper - 1 - begin, 0)
        columns = np.arange(int(last.max(initial=0)) + 1)[None, :]
        cells = (base + begin)[:, None] + np.minimum(columns, last[:, None])
        if len(cells):  # the stretch of a point that said nothing may lie at the very end
            np.minimum(cells, len(self._ts_ms) - 1, out=cells)
        ts_ms, value = self._ts_ms[cells], self._value[cells]
        inside = (columns >= (lower - begin)[:, None]) & (columns < (upper - begin)[:, None])
        hold_ms, newest_ms = self._hold_ms[tracks], ts_ms[:, -1]
        known = (lower > 0) & (at_ms - newest_ms <= hold_ms) & ~np.isnan(value).any(axis=1)
        if columns.shape[1] > 1:
            known &= (ts_ms[:, 1:] - ts_ms[:, :-1] <= hold_ms[:, None]).all(axis=1)
        oldest_ms = self._ts_ms[np.minimum(base + lower, len(self._ts_ms) - 1)]
        leaves_ms = np.where(lower < upper, oldest_ms + window_ms, FAR)
        return Past(ts_ms, value, inside, known, leaves_ms, _expires_ms(newest_ms + hold_ms, upper > 0, at_ms))

    def last_two(self, slots: Rows, at_ms: Ints) -> Past:
        """The last two readings by these instants: a window of nothing, with the one before."""
        tracks = self._track[slots]
        upper = self._places(tracks, at_ms)
        two = upper >= 2
        cells = (self._start[tracks] + np.maximum(upper, 2) - 2)[:, None] + np.arange(2)[None, :]
        cells = np.minimum(cells, len(self._ts_ms) - 1)
        ts_ms, value = self._ts_ms[cells], self._value[cells]
        hold_ms = self._hold_ms[tracks]
        known = two & (at_ms - ts_ms[:, 1] <= hold_ms) & (ts_ms[:, 1] - ts_ms[:, 0] <= hold_ms)
        known &= ~np.isnan(value).any(axis=1)
        inside = np.broadcast_to(np.array([False, True]), cells.shape)
        newest_ms = np.where(two, ts_ms[:, 1], ts_ms[:, 0])  # the only one lies in front
        never = np.full(len(tracks), FAR, np.int64)
        return Past(ts_ms, value, inside, known, never, _expires_ms(newest_ms + hold_ms, upper > 0, at_ms))

    # --- inside --------------------------------------------------------------------------------------------------

    def _newest_ms(self) -> Ints:
        last = self._start + self._count - 1
        return np.where(self._count > 0, self._ts_ms[np.maximum(last, 0)], _LONG_AGO)

    def _places(self, tracks: Rows, until_ms: Ints) -> Ints:
        """How many readings of each came until then."""
        count = self._count[tracks]
        behind = self._ts_ms[np.maximum(self._start[tracks] + count - 1, 0)] > until_ms
        if behind.any():  # seldom: nearly everybody asks about now
            count[behind] = self._searched(tracks[behind], until_ms[behind])
        return count

    def _beginnings(self, tracks: Rows, until_ms: Ints, *, window_ms: int) -> Ints:
        """As `_places`, for the beginnings of windows: they move on by a reading or so from look to look."""
        begins = self._begins.get(window_ms)
        if begins is None:
            begins = self._begins[window_ms] = np.zeros(len(self._count), np.int64)
        base, count, most = self._start[tracks], self._count[tracks], len(self._ts_ms) - 1
        found = np.minimum(begins[tracks], count)
        for _ in range(_STEPS):
            moves_on = (self._ts_ms[np.minimum(base + found, most)] <= until_ms) & (found < count)
            if not moves_on.any():
                break
            found += moves_on
        astray = moves_on | ((self._ts_ms[np.maximum(base + found - 1, 0)] > until_ms) & (found > 0))
        if astray.any():
            found[astray] = self._searched(tracks[astray], until_ms[astray])
        begins[tracks] = found
        return found

    def _searched(self, tracks: Rows, until_ms: Ints) -> Ints:
        """`_places` by binary search, all at once."""
        base = self._start[tracks]
        low, high = np.zeros(len(tracks), np.int64), self._count[tracks].copy()
        most = len(self._ts_ms) - 1
        for _ in range(int(high.max(initial=0)).bit_length()):
            middle = (low + high) >> 1
            is_before = (self._ts_ms[np.minimum(base + middle, most)] <= until_ms) & (middle < high)
            low = np.where(is_before, middle + 1, low)
            high = np.where(is_before, high, middle)
        return low

    def _append(self, tracks: Rows, ts_ms: Ints, value: Floats) -> None:
        """Readings newer than all before, by point and time."""
        if not len(tracks):
            return
        wanted = np.bincount(tracks, minlength=len(self._count))
        full = np.flatnonzero(self._count + wanted > self._room)
        for track in full.tolist():
            self._make_room(track, int(wanted[track]))
        starts = np.concatenate([[0], np.flatnonzero(tracks[1:] != tracks[:-1]) + 1])
        rank = np.arange(len(tracks)) - np.repeat(starts, np.diff(np.append(starts, len(tracks))))
        cells = self._start[tracks] + self._count[tracks] + rank
        self._ts_ms[cells], self._value[cells] = ts_ms, value
        self._count += wanted

    def _merge(self, track: int, ts_ms: Ints, value: Floats) -> None:
        """Readings some of which belong before others that are there already."""
        stretch = self._stretch(track)
        times = np.concatenate([self._ts_ms[stretch], ts_ms])
        values = np.concatenate([self._value[stretch], value])
        kept, first = np.unique(times, return_index=True)
        if len(kept) > self._count[track]:
            self._replace(track, kept, values[first])

    def _stretch(self, track: int) -> slice:
        begin = int(self._start[track])
        return slice(begin, begin + int(self._count[track]))

    def _make_room(self, track: int, wanted: int) -> None:
        """Lets go of what no window reaches any more, and moves to a larger stretch where that is not enough."""
        stretch = self._stretch(track)
        times, values = self._ts_ms[stretch].copy(), self._value[stretch].copy()
        # The one that holds where the oldest window begins stays, and one before it for `previous`.
        floor_ms = int(self.floor_ms[track])
        needless = int(np.searchsorted(times, floor_ms - self._keep_ms[track], side="right")) - 2
        above = len(times) - int(np.searchsorted(times, floor_ms, side="right"))
        needless = max(needless, len(times) - above - MOST_READINGS, 0)
        self._replace(track, times[needless:], values[needless:], wanted=wanted)

    def _replace(self, track: int, ts_ms: Ints, value: Floats, *, wanted: int = 0) -> None:
        needed = len(ts_ms) + wanted
        # Twice as much as there is, so that room is made once in as many readings.
        if needed > self._room[track] or (wanted and 2 * len(ts_ms) > self._room[track]):
            room = max(2 * needed, _FIRST_ROOM)
            self._start[track], self._room[track] = self._end, room
            self._end += room
            self._enlarge()
        begin = int(self._start[track])
        self._ts_ms[begin : begin + len(ts_ms)] = ts_ms
        self._value[begin : begin + len(ts_ms)] = value
        self._count[track] = len(ts_ms)

    def _enlarge(self) -> None:
        missing = self._end - len(self._ts_ms)
        if missing > 0:
            more = max(missing, len(self._ts_ms) // 4)
            self._ts_ms = np.concatenate([self._ts_ms, np.zeros(more, np.int64)])
            self._value = np.concatenate([self._value, np.zeros(more, np.float64)])


def _expires_ms(holds_until_ms: Ints, has_said: npt.NDArray[np.bool_], at_ms: Ints) -> Ints:
    return np.where(has_said & (holds_until_ms >= at_ms), holds_until_ms + 1, FAR)
