"""Who is to be judged by which model: the catalog and the shelf together. Pure."""

from collections.abc import Collection, Mapping
from uuid import UUID

from catalog.directory import Directory
from predictive.streaming.cohort import Member
from predictive.streaming.shape import Shape, shape_of
from predictive.streaming.shelf import Shelf

Key = tuple[UUID, bool]


class Roster:
    """`shapes`: of every equipment of the directory it was made from; None where there is nothing to judge."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.shapes: Mapping[UUID, Shape | None] = {
            entry.equipment_id: shape_of(entry) for entry in directory.entries
        }  # fmt: skip

    def wanted(
        self, partitions: Collection[int], shelf: Shelf, failed: Collection[tuple[UUID, UUID | None]]
    ) -> dict[Key, Member]:
        """Each equipment once, with the champion's model where there is one, and once more for a shadow's."""
        found: dict[Key, Member] = {}
        for entry in self.directory.entries:
            shape = self.shapes[entry.equipment_id]
            if entry.partition not in partitions or shape is None:
                continue
            for is_shadow in (False, True):
                held = shelf.of(entry.equipment_id, subject=shape.subject, is_shadow=is_shadow)
                model_id = None if held is None else held.card.id
                if (entry.equipment_id, model_id) in failed:
                    model_id = None
                if is_shadow and model_id is None:
                    continue
                member = Member(entry.equipment_id, entry.site_id, entry.partition, shape, model_id, is_shadow)
                found[member.key] = member
        return found

    def unwatched(self, partitions: Collection[int]) -> list[tuple[UUID, UUID]]:
        """(equipment, site) of what has nothing to judge."""
        return [
            (entry.equipment_id, entry.site_id)
            for entry in self.directory.entries
            if entry.partition in partitions and self.shapes[entry.equipment_id] is None
        ]
