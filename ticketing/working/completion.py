"""What an order's kind wants before it is done, and what of it is not there yet. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from ticketing.kinds import ClosingCode
from ticketing.order_kind import Completion


class Wanted(StrEnum):
    """Their words are under `working.wanted`."""

    PHOTOS_BEFORE = "photos_before"
    PHOTOS_AFTER = "photos_after"
    CHECKLIST = "checklist"
    LABOUR = "labour"
    PARTS = "parts"
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Evidence:
    """What is there. A photo without a purpose counts for the moment it was added: before or after the arrival."""

    photos_before: int = 0
    photos_after: int = 0
    unanswered: int = 0
    has_labour: bool = False
    has_parts: bool = False
    has_signature: bool = False


def asked_for(wanted: Completion) -> list[Wanted]:
    """What finishing takes, there or not."""
    asked = {
        Wanted.PHOTOS_BEFORE: wanted.photos_before > 0,
        Wanted.PHOTOS_AFTER: wanted.photos_after > 0,
        Wanted.CHECKLIST: wanted.checklist is not None,
        Wanted.LABOUR: wanted.labour,
        Wanted.PARTS: wanted.parts,
        Wanted.SIGNATURE: wanted.signature,
    }
    return [one for one, is_asked in asked.items() if is_asked]


def missing(wanted: Completion, there: Evidence, *, closing_code: ClosingCode | None) -> list[Wanted]:
    """What is not there yet. A duplicate wants nothing: the work is done on the other order."""
    if closing_code is ClosingCode.DUPLICATE:
        return []
    lacking = {
        Wanted.PHOTOS_BEFORE: there.photos_before < wanted.photos_before,
        Wanted.PHOTOS_AFTER: there.photos_after < wanted.photos_after,
        Wanted.CHECKLIST: wanted.checklist is not None and there.unanswered > 0,
        Wanted.LABOUR: wanted.labour and not there.has_labour,
        Wanted.PARTS: wanted.parts and not there.has_parts,
        Wanted.SIGNATURE: wanted.signature and not there.has_signature,
    }
    return [one for one, is_missing in lacking.items() if is_missing]
