"""Links in messages that open one quotation."""

from kit.clock import Clock
from ticketing.signed_links import SignedLinks


class QuotationLinks(SignedLinks):
    """Valid as long as the quotation's prices hold."""

    def __init__(self, *, secret: str, clock: Clock) -> None:
        super().__init__(secret=secret, clock=clock, use="quotation", root="/o/quotations")
