"""Fills the shelf from the model store; what is refused is counted, and the model before it stays in use."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.logs import logger
from predictive.detectors.contract import Arrays
from predictive.streaming.meters import StreamMeters
from predictive.streaming.shelf import Shelf
from predictive.training.card import Family, ModelState
from predictive.training.errors import ModelRefused
from predictive.training.fresh_start import FreshStarts
from predictive.training.store import ModelStore

log = logger(__name__)

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class Library:
    def __init__(self, store: ModelStore, fresh: FreshStarts, transaction: Transaction, meters: StreamMeters) -> None:
        self.shelf = Shelf()
        self._store = store
        self._fresh = fresh
        self._transaction = transaction
        self._meters = meters
        self._refused: set[UUID] = set()

    async def refresh(self) -> None:
        """Loads what is new; each refusal is told and counted once."""
        async with self._transaction() as session:
            cards = await self._store.find(
                session, Scope.everywhere(), family=Family.DETECTORS, states=(ModelState.CHAMPION, ModelState.SHADOW)
            )
            fresh_starts = await self._fresh.all(session, Scope.everywhere())
            loaded: dict[UUID, Arrays] = {}
            for card in self.shelf.lacks(cards):
                if card.id in self._refused:
                    continue
                try:
                    loaded[card.id] = await self._store.load(session, card)
                except ModelRefused as error:
                    self._refused.add(card.id)
                    self._meters.refused.labels(error.reason.value).inc()
                    log.error("a model is refused", model=str(card.id), subject=card.subject, error=str(error))
        self.shelf.put(cards, loaded, fresh_starts=fresh_starts)
        if loaded:
            log.info("models loaded", models=len(loaded))
