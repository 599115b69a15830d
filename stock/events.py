"""What the stock room tells others."""

from uuid import UUID

from kit.events import Event


class StockRanLow(Event, frozen=True, kw_only=True):
    """What is available of a part is below its minimum and was not. `occasion_id`: the movement that brought it there,
    or the change of the minimum."""

    storehouse_id: UUID
    part_id: UUID
    occasion_id: UUID


class StockMoved(Event, frozen=True, kw_only=True):
    """For open screens."""

    storehouse_id: UUID
    part_id: UUID
