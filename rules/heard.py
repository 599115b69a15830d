"""What the life-safety line heard in the last minutes, so that a reading which comes twice is known for what it is.

A broker delivers again what an adapter died over, and then it may come after newer readings of its point. Taken for a
late word it would be given the time of arrival and raise, for smoke that is over, an alarm of its own.
"""

from collections import deque
from typing import Final

from building.reading import ReadingBatch

# Longer than an adapter is away, and no longer than what judging anew reads back from the bus.
REMEMBERED_MS: Final = 10 * 60_000

_Moment = tuple[int, int]


class Heard:
    """Point and device time → value. A time that a point has used for two values tells nothing: its clock stands
    still, and whatever it says there is news."""

    def __init__(self) -> None:
        self._values: dict[_Moment, float | None] = {}
        self._in_order: deque[tuple[int, _Moment]] = deque()

    def again(self, batch: ReadingBatch, *, arrived_ms: int) -> list[bool]:
        """For each reading whether it was heard before; remembers those that were not."""
        self._forget(before_ms=arrived_ms - REMEMBERED_MS)
        columns = zip(batch.point_no.tolist(), batch.ts_ms.tolist(), batch.value.tolist(), strict=True)
        return [self._is_again((point_no, ts_ms), value, arrived_ms) for point_no, ts_ms, value in columns]

    def take_over(self, old: "Heard") -> None:
        self._values |= old._values
        self._in_order = deque(sorted([*self._in_order, *old._in_order]))

    def _is_again(self, moment: _Moment, value: float, arrived_ms: int) -> bool:
        if moment not in self._values:
            self._values[moment] = value
            self._in_order.append((arrived_ms, moment))
            return False
        if self._values[moment] == value:
            return True
        self._values[moment] = None
        return False

    def _forget(self, *, before_ms: int) -> None:
        while self._in_order and self._in_order[0][0] < before_ms:
            self._values.pop(self._in_order.popleft()[1], None)
