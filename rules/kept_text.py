"""What a text says that was kept, perhaps by another release."""

from typing import Any

from pydantic import ValidationError

from rules import errors
from rules.models import RuleRow
from rules.schemas import RuleDefinition


def readable(row: RuleRow) -> RuleDefinition:
    """What a rule says. Raises RuleOfOtherRelease."""
    try:
        return RuleDefinition.model_validate(row.definition)
    except ValidationError:
        raise errors.RuleOfOtherRelease(row.key) from None


def says(kept: dict[str, Any], definition: RuleDefinition) -> bool:
    """Whether a kept text is this one. Compared as rules, so that a field that a release adds changes none."""
    try:
        return RuleDefinition.model_validate(kept) == definition
    except ValidationError:
        return False
