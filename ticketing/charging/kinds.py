"""The closed sets of quotations and charges. Their words are in `locales/`."""

from enum import StrEnum


class QuotationState(StrEnum):
    ASKED = "asked"  # the owner thinks about it; the order waits
    SHOWN = "shown"  # at published prices and small: showing it was enough
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"  # nobody answered in time
    WITHDRAWN = "withdrawn"  # another one took its place, or the order ended

    @property
    def is_agreed(self) -> bool:
        return self in (QuotationState.SHOWN, QuotationState.APPROVED)


class DecidedHow(StrEnum):
    LINK = "link"
    ACCOUNT = "account"
    SIGNATURE = "signature"


class ChargeState(StrEnum):
    AGREED = "agreed"  # the work goes on
    DUE = "due"  # it is done: to be billed
    VOID = "void"  # the order was cancelled
