"""What a training has to learn, and in what portions. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kit.clock import to_ms
from predictive.streaming.shape import Shape
from predictive.training.card import ModelCard

# Resuming goes on from the last portion: more than these at once would be much to do again.
MOST_AT_ONCE: Final = 16
# Of a process before it has read anything: Python, numpy, the hub.
PROCESS_MB: Final = 160
# A reading on its way is copied three times (read, packed, received), and is 21 bytes each time; a cell of a window is
# 8 bytes and detectors hold a dozen of them at most.
_BYTES_A_READING: Final = 3 * 21
_BYTES_A_CELL: Final = 12 * 8

LEARNT: Final = "learnt"


class Purpose(StrEnum):
    """What becomes of what is learnt."""

    FIRST = "first"  # the champion of a lineage that has none
    ADDED = "added"  # equipment that the champion lacks joins it
    CHALLENGER = "challenger"  # runs in shadow until a person promotes it


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """A subject of a site: its equipment in service and the models it has. `fresh_starts`: of those that had one."""

    subject: str
    shapes: Mapping[UUID, Shape]
    champion: ModelCard | None
    shadow: ModelCard | None
    fresh_starts: Mapping[UUID, datetime]

    @property
    def lacking(self) -> list[UUID]:
        """Equipment that the champion does not know, or knows from before its fresh start only; in order."""
        known = set() if self.champion is None else current_in(self.champion, self.fresh_starts)
        return sorted(self.shapes.keys() - known)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    subject: str
    purpose: Purpose
    equipment_ids: tuple[UUID, ...]


def current_in(card: ModelCard, fresh_starts: Mapping[UUID, datetime]) -> set[UUID]:
    """The equipment whose part of the model was learnt after its fresh start, if it had one: only those may be used."""
    return {
        one
        for one, (from_ms, _) in learnt_spans(card).items()
        if one not in fresh_starts or from_ms >= to_ms(fresh_starts[one])
    }


def learnt_spans(card: ModelCard) -> dict[UUID, tuple[int, int]]:
    """The first and last normal row of each equipment of a model of detectors."""
    spans: Sequence[Sequence[int]] = card.parameters.get(LEARNT, ())
    return {one: (span[0], span[1]) for one, span in zip(card.equipment_ids, spans, strict=True)}


def parameters(*, days: int, learning_days: float, spans_ms: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {"days": days, "learning_days": learning_days, LEARNT: [list(span) for span in spans_ms]}


def wanted(
    lineage: Lineage, *, is_complete: bool, code_version: str, now: datetime, challenger_after: timedelta
) -> Wanted | None:
    """What there is to learn of a lineage; None when nothing is.

    A champion is never replaced by a younger one of its kind by itself: slow wear would be learnt as normal night by
    night. Equipment without a model joins; the rest waits for a person.
    """
    everything, lacking = tuple(sorted(lineage.shapes)), tuple(lineage.lacking)
    if lineage.champion is None:
        return Wanted(subject=lineage.subject, purpose=Purpose.FIRST, equipment_ids=everything)
    newest = lineage.shadow or lineage.champion
    is_old = newest.code_version != code_version or now - newest.made_at >= challenger_after
    if is_complete or is_old:
        return Wanted(subject=lineage.subject, purpose=Purpose.CHALLENGER, equipment_ids=everything)
    if lacking:
        return Wanted(subject=lineage.subject, purpose=Purpose.ADDED, equipment_ids=lacking)
    return None


def portions(equipment_ids: Sequence[UUID], *, size: int) -> list[tuple[UUID, ...]]:
    return [tuple(equipment_ids[at : at + size]) for at in range(0, len(equipment_ids), size)]


def portion_size(shape: Shape, *, rows: int, memory_mb: int, processes: int) -> int:
    """How many equipment of this shape a process may learn at once, so that all stay within `memory_mb`: the one that
    reads, and the processes with what they have and what waits for them. At least one."""
    cells = rows * len(shape.point_keys)
    each = cells * (2 * _BYTES_A_READING + _BYTES_A_READING + _BYTES_A_CELL)
    free = (memory_mb - (processes + 1) * PROCESS_MB) << 20
    return int(min(max(free // (each * processes), 1), MOST_AT_ONCE))


def process_memory_mb(*, memory_mb: int, processes: int) -> int:
    """What each process may take at most, the one that reads having its share."""
    return max((memory_mb - PROCESS_MB) // (processes + 1), PROCESS_MB)


def sample(equipment_ids: Sequence[UUID], *, failed: Mapping[UUID, Sequence[object]], size: int) -> list[UUID]:
    """Whom a model is back-tested on: those with the most confirmed failures, then others spread over the rest."""
    having = sorted((one for one in equipment_ids if failed.get(one)), key=lambda one: (-len(failed[one]), one))
    others = [one for one in equipment_ids if not failed.get(one)]
    left = size - len(having)
    if left <= 0:
        return having[:size]
    step = max(len(others) // left, 1)
    return having + others[::step][:left]
