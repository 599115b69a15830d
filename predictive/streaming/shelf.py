"""The models in use by the line: loaded once each, verified, the old one kept where a new one is refused. No SQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from predictive.detectors.contract import Arrays, taken
from predictive.training.card import ModelCard, ModelState


@dataclass(frozen=True, eq=False)
class Held:
    """A model on the shelf. `place`: where each equipment is on the first axis of the arrays."""

    card: ModelCard
    arrays: Arrays
    place: Mapping[UUID, int]


class Shelf:
    """At most one champion and one shadow a lineage; of a lineage whose newest was refused, the one before."""

    def __init__(self) -> None:
        self._held: dict[UUID, Held] = {}
        self._since: Mapping[UUID, datetime] = {}
        self._by_equipment: dict[tuple[UUID, bool], list[Held]] = {}

    def lacks(self, cards: Iterable[ModelCard]) -> list[ModelCard]:
        return [card for card in cards if card.id not in self._held]

    def put(
        self,
        cards: Iterable[ModelCard],
        loaded: Mapping[UUID, Arrays],
        *,
        fresh_starts: Mapping[UUID, datetime],
    ) -> None:
        """`cards`: all that count now; `loaded`: the arrays of those that were lacking and let through."""
        found = {card.id: self._kept(card) or _held(card, loaded) for card in cards}
        kept = {key: held for key, held in found.items() if held is not None}
        for card in cards:
            if card.id not in kept and (before := self._before(card)) is not None:
                kept[before.card.id] = before
        self._held, self._since = kept, fresh_starts
        self._by_equipment = {}
        for held in kept.values():
            for equipment_id in held.place:
                self._by_equipment.setdefault((equipment_id, _is_shadow(held.card)), []).append(held)

    def of(self, equipment_id: UUID, *, subject: str, is_shadow: bool) -> Held | None:
        """None where nothing is learnt of it as it is now: not yet, before its repair, or of another shape."""
        since = self._since.get(equipment_id)
        for held in self._by_equipment.get((equipment_id, is_shadow), ()):
            if held.card.subject == subject and (since is None or held.card.data_until > since):
                return held
        return None

    def began_afresh(self, equipment_id: UUID) -> datetime | None:
        return self._since.get(equipment_id)

    def arrays(self, model_id: UUID, equipment_ids: Iterable[UUID]) -> Arrays:
        """The slices of some equipment, in that order."""
        held = self._held[model_id]
        return taken(held.arrays, [held.place[equipment_id] for equipment_id in equipment_ids])

    def _kept(self, card: ModelCard) -> Held | None:
        """What is held of it, under the card as it is now: a shadow that was promoted is one no more."""
        held = self._held.get(card.id)
        return None if held is None else replace(held, card=card)

    def _before(self, card: ModelCard) -> Held | None:
        lineage = (card.site_id, card.subject, card.state)
        found = [held for held in self._held.values() if _lineage(held.card) == lineage]
        return max(found, key=lambda held: held.card.version, default=None)


def _held(card: ModelCard, loaded: Mapping[UUID, Arrays]) -> Held | None:
    arrays = loaded.get(card.id)
    if arrays is None:
        return None
    return Held(card, arrays, {equipment_id: place for place, equipment_id in enumerate(card.equipment_ids)})


def _lineage(card: ModelCard) -> tuple[UUID, str, ModelState]:
    return card.site_id, card.subject, card.state


def _is_shadow(card: ModelCard) -> bool:
    return card.state is ModelState.SHADOW
