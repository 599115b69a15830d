"""What happened to quotations. Consumers: `ticketing.charging.telling`, open screens."""

from uuid import UUID

from kit.events import Event


class QuotationMade(Event, frozen=True, kw_only=True):
    """`is_asked`: the payer must say yes first; else it is shown and the work goes on."""

    work_order_id: UUID
    quotation_id: UUID
    is_asked: bool


class QuotationDecided(Event, frozen=True, kw_only=True):
    """`state`: approved, rejected or lapsed."""

    work_order_id: UUID
    quotation_id: UUID
    state: str
