"""What dispatch tells: an order stands in the pool, or the desk is to give it out."""

from uuid import UUID

from kit.events import Event


class OrderWaits(Event, frozen=True, kw_only=True):
    """Nobody was asked by name. `mode` is grab or manual, `wait_id` names this wait."""

    work_order_id: UUID
    wait_id: UUID
    mode: str
