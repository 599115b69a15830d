"""What the stock room tells others."""

from uuid import UUID

from kit.events import Event


class StockRanLow(Event, frozen=True, kw_only=True):
    """A movement brought what is available of a part below its minimum."""

    storehouse_id: UUID
    part_id: UUID
    movement_id: UUID


class StockMoved(Event, frozen=True, kw_only=True):
    """For open screens."""

    storehouse_id: UUID
    part_id: UUID
