"""What whoever finished an order found: its closing code and what belongs to it. Pure."""

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from ticketing.errors import FieldInvalid, FieldMissing
from ticketing.flow import Action
from ticketing.kinds import ClosingCode


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`fault_mode`, `cause` and `remedy` say more of a fault that there was; `duplicate_of` names the other order."""

    code: ClosingCode
    fault_mode: str | None = None
    cause: str | None = None
    remedy: str | None = None
    duplicate_of: UUID | None = None


def has_fault(code: ClosingCode) -> bool:
    """Whether something was broken, by itself or by somebody."""
    match code:
        case ClosingCode.REAL_FAULT | ClosingCode.MISUSE:
            return True
        case ClosingCode.FALSE_ALARM | ClosingCode.NO_FAULT_FOUND | ClosingCode.DUPLICATE | ClosingCode.TEST:
            return False
        case _:
            assert_never(code)


def wants_proof(code: ClosingCode) -> bool:
    """A duplicate is proved by the order that it repeats."""
    return code is not ClosingCode.DUPLICATE


def check(finding: Finding) -> None:
    """Raises FieldMissing for a duplicate of nothing, FieldInvalid for words that the code has no room for."""
    if finding.code is ClosingCode.DUPLICATE and finding.duplicate_of is None:
        raise FieldMissing(field="duplicate_of", action=Action.FINISH)
    if finding.code is not ClosingCode.DUPLICATE and finding.duplicate_of is not None:
        raise FieldInvalid(field="duplicate_of", allowed="closing_code = duplicate")
    said = {"fault_mode": finding.fault_mode, "cause": finding.cause, "remedy": finding.remedy}
    for name, value in said.items():
        if value and not has_fault(finding.code):
            raise FieldInvalid(field=name, allowed="closing_code = real_fault, misuse")
