"""Tries an expression while it is typed."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.directory import EquipmentEntry
from rules import errors
from rules.check_schemas import CheckIn
from rules.coverage import check_surroundings, refused_by_the_nearest
from rules.language import parse
from rules.rule import PointList
from rules.surroundings import Anywhere, Binder, Neighbours
from rules.tree import Condition, Point, walk
from rules.vocabulary import Surroundings


def try_expression(asked: CheckIn, points: PointList, anywhere: Anywhere, entries: Sequence[EquipmentEntry]) -> None:
    """`points` are those of the profile or kind, `entries` equipment that may be seen. Raises an ExpressionError."""

    def read(points: PointList, around: Surroundings) -> Condition:
        vocabulary = points.vocabulary(
            parameters=asked.params, units=asked.units, schedules=asked.schedules, life_safety=asked.life_safety,
            around=around,
        )  # fmt: skip
        return parse(asked.expression, vocabulary)

    here = [one for one in entries if asked.site_id in (None, one.site_id)]
    asked_of = [one for one in here if _is_asked(asked, one)]
    try:
        condition = read(points, replace(anywhere, codes={one.code for one in here}))
    except errors.UnknownPointOfOther as error:
        neighbours = Neighbours.of(here)
        raise (refused_by_the_nearest(read, asked_of, neighbours, life_safety=asked.life_safety) or error) from None
    named = [node for node in walk(condition) if isinstance(node, Point)]
    elsewhere = [point for point in named if point.of is not None]
    if elsewhere:
        keys = {point.key for point in named if point.of is None}
        meant = [one for one in asked_of if keys <= one.points.keys()]
        check_surroundings(Binder(elsewhere, Neighbours.of(here), read, life_safety=asked.life_safety), meant)


def _is_asked(asked: CheckIn, entry: EquipmentEntry) -> bool:
    return asked.profile in (None, entry.profile_key) and asked.kind in (None, entry.kind)
