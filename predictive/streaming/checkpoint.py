"""What the line keeps of its cohorts, so that whoever takes a partition goes on as if nothing had been."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from predictive.detectors.contract import Arrays, taken
from predictive.streaming.cohort import Cohort, Judging, Member, merged
from predictive.streaming.shelf import Shelf
from predictive.training.card import Format, Packed
from predictive.training.packing import pack_arrays, unpack_arrays

# Rows of a table stay handy: some MB each.
MOST_IN_ONE: Final = 500
_OF: Final = "|"


@dataclass(frozen=True)
class Checkpoint:
    """Some equipment of one subject, site and partition. `next_ms`: their first row that was not judged yet."""

    partition: int
    site_id: UUID
    subject: str
    next_ms: int
    is_shadow: bool
    equipment_ids: tuple[UUID, ...]
    model_ids: tuple[UUID | None, ...]
    content: bytes


def checkpoints(cohorts: Iterable[Cohort]) -> Iterator[Checkpoint]:
    for cohort in cohorts:
        groups: dict[tuple[int, UUID, bool], list[int]] = {}
        for place, member in enumerate(cohort.members):
            groups.setdefault((member.partition, member.site_id, member.is_shadow), []).append(place)
        for (partition, site_id, is_shadow), places in groups.items():
            for at in range(0, len(places), MOST_IN_ONE):
                part = cohort.only(places[at : at + MOST_IN_ONE])
                yield Checkpoint(
                    partition, site_id, part.shape.subject, part.next_ms, is_shadow,
                    tuple(member.equipment_id for member in part.members),
                    tuple(member.model_id for member in part.members),
                    pack_arrays(_named("state", part.state) | _named("memory", part.memory)).content,
                )  # fmt: skip


def restored(
    kept: Sequence[Checkpoint], wanted: Mapping[tuple[UUID, bool], Member], shelf: Shelf, judging: Judging
) -> list[Cohort]:
    """The cohorts of what is still wanted as it was. Of equipment with another model now, what it remembers stays and
    the detectors begin. Raises ModelRefused for what is no checkpoint."""
    cohorts: list[Cohort] = []
    for each in kept:
        arrays = unpack_arrays(Packed(Format.ARRAYS, each.content))
        groups: dict[tuple[UUID | None, bool], list[int]] = {}
        for place, equipment_id in enumerate(each.equipment_ids):
            member = wanted.get((equipment_id, each.is_shadow))
            if member is not None and member.shape.subject == each.subject:
                is_same = member.model_id == each.model_ids[place]
                groups.setdefault((member.model_id, is_same), []).append(place)
        for (model_id, is_same), places in groups.items():
            members = [wanted[each.equipment_ids[place], each.is_shadow] for place in places]
            model = None if model_id is None else shelf.arrays(model_id, [one.equipment_id for one in members])
            cohort = Cohort.begun(judging, members, model, next_ms=each.next_ms)
            cohort.memory = taken(_own("memory", arrays), places)
            if is_same and model is not None:
                cohort.state = taken(_own("state", arrays), places)
            cohorts.append(cohort)
    return merged(cohorts)


def _named(kind: str, arrays: Arrays) -> Arrays:
    return {f"{kind}{_OF}{key.replace('/', _OF)}": array for key, array in arrays.items()}


def _own(kind: str, arrays: Arrays) -> Arrays:
    prefix = kind + _OF
    return {
        key.removeprefix(prefix).replace(_OF, "/"): array for key, array in arrays.items() if key.startswith(prefix)
    }
