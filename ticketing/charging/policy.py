"""What a site decided about charges and work: settings with their defaults, pure.

Source of the defaults: docs/charges.md, "Settings".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_YUAN = Decimal(100_000_000)
MOST_DAYS = 366


class BadPolicy(ValueError):
    """A setting that cannot be meant. The message names its key and what would do."""


@dataclass(frozen=True)
class ChargingPolicy:
    """Money in yuan. A quotation above `approval_above` is put to the owner even at published prices, and holds for
    `answer_days`; shared work from `fund_from` on is the maintenance fund's; an hour of labour costs the company
    `labour_per_hour`."""

    approval_above: Decimal = Decimal("200.00")
    answer_days: int = 7
    fund_from: Decimal = Decimal("10000.00")
    labour_per_hour: Decimal = Decimal("0.00")


def parse_policy(settings: Mapping[str, Any]) -> ChargingPolicy:
    """What a site's settings say under `charging`. Raises BadPolicy, naming the key."""
    given = settings.get("charging", {})
    if not isinstance(given, Mapping):
        raise BadPolicy("charging must be a table")
    standing = ChargingPolicy()
    return ChargingPolicy(
        approval_above=_yuan(given, "approval_above", standing.approval_above),
        answer_days=_days(given, "answer_days", standing.answer_days),
        fund_from=_yuan(given, "fund_from", standing.fund_from),
        labour_per_hour=_yuan(given, "labour_per_hour", standing.labour_per_hour),
    )


def _yuan(given: Mapping[str, Any], key: str, default: Decimal) -> Decimal:
    raw = given.get(key, default)
    try:
        # JSON has no Decimal: a number is read as it is written, a text is better.
        amount = Decimal(str(raw)) if not isinstance(raw, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= MOST_YUAN or amount != round(amount, 2):
        raise BadPolicy(f'charging.{key} must be an amount in yuan like "200.00"')
    return round(amount, 2)


def _days(given: Mapping[str, Any], key: str, default: int) -> int:
    raw = given.get(key, default)
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= MOST_DAYS:
        raise BadPolicy(f"charging.{key} must be a number of days, 1 to {MOST_DAYS}")
    return raw
