"""What is newly to be said of each equipment: states that changed, and once an hour the rest. No I/O."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from predictive.streaming.shelf import Shelf
from predictive.streaming.stream import Stream
from predictive.streaming.watch import Learning, Watch, WatchState, watch_of

AGAIN_MS: Final = 3_600_000

# What makes a change worth a row: state, tenths of a day learnt, tenths of a score, model, reason.
_Look = tuple[WatchState, int, int, UUID | None, str | None]


class Sayings:
    """`days_needed`: of normal time before an equipment is judged. `counts`: equipment by state."""

    def __init__(self, *, days_needed: float) -> None:
        self._days_needed = days_needed
        self._said: dict[UUID, tuple[_Look, int]] = {}
        self.counts: Counter[str] = Counter({state.value: 0 for state in WatchState})

    def news(
        self, stream: Stream, unwatched: Iterable[tuple[UUID, UUID]], shelf: Shelf, *, now_ms: int
    ) -> list[Watch]:  # fmt: skip
        self.counts = Counter({state.value: 0 for state in WatchState})
        found: list[Watch] = []
        for watch in self._all(stream, unwatched, shelf, now_ms=now_ms):
            self.counts[watch.state.value] += 1
            look = watch.state, int(watch.days * 10), int(watch.score * 10), watch.model_id, watch.reason
            before, said_ms = self._said.get(watch.equipment_id, (None, 0))
            if look != before or now_ms - said_ms >= AGAIN_MS:
                self._said[watch.equipment_id] = look, now_ms
                found.append(watch)
        return found

    def forget(self) -> None:
        """Everything is said again: equipment may have gone to others meanwhile."""
        self._said.clear()

    def _all(
        self, stream: Stream, unwatched: Iterable[tuple[UUID, UUID]], shelf: Shelf, *, now_ms: int
    ) -> Iterable[Watch]:  # fmt: skip
        failures = {equipment_id: why for (equipment_id, _), why in stream.failed.items()}
        for cohort in stream.cohorts:
            for place, member in enumerate(cohort.members):
                if member.is_shadow:
                    continue
                learning = Learning(
                    self._days_needed,
                    _since(shelf, member.equipment_id),
                    None if member.model_id is not None else failures.get(member.equipment_id),
                )
                yield watch_of(cohort, place, now_ms=now_ms, learning=learning)
        for equipment_id, site_id in unwatched:
            yield Watch(equipment_id=equipment_id, site_id=site_id, state=WatchState.NOT_WATCHED)


def _since(shelf: Shelf, equipment_id: UUID) -> datetime | None:
    return shelf.began_afresh(equipment_id)
