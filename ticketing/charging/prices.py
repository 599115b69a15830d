"""A published price list (收费公示), pure: what may stand in it, and which one holds on a day."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from kit.i18n import Language, Wording
from ticketing.charging.errors import PriceListInvalid

MOST_ITEMS = 2000
MOST_YUAN = Decimal(10_000_000)
LONGEST_NAME = 80
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class ItemKind(StrEnum):
    LABOUR = "labour"
    MATERIAL = "material"


@dataclass(frozen=True)
class PriceItem:
    """`price` in yuan a `unit`, with two decimal places."""

    code: str
    names: Wording
    kind: ItemKind
    unit: str
    price: Decimal


@dataclass(frozen=True)
class PriceList:
    items: tuple[PriceItem, ...]

    def item(self, code: str) -> PriceItem | None:
        return next((one for one in self.items if one.code == code), None)


class Version(Protocol):
    """A saved list as the choice below sees it. `site_id` None: the company's."""

    @property
    def site_id(self) -> UUID | None: ...
    @property
    def version(self) -> int: ...
    @property
    def effective_from(self) -> date: ...


V = TypeVar("V", bound=Version)


def effective(versions: Sequence[V], *, day: date) -> V | None:
    """The list that holds on a day: the site's own before the company's, of those begun the one that began last."""
    begun = [one for one in versions if one.effective_from <= day]
    return max(begun, key=lambda one: (one.site_id is not None, one.effective_from, one.version), default=None)


def parse_prices(items: Sequence[Mapping[str, Any]]) -> PriceList:
    """The list that a document means. Raises PriceListInvalid, naming the first item that will not do."""
    if not 0 < len(items) <= MOST_ITEMS:
        raise PriceListInvalid(where="items", problem="item_count", limit=str(MOST_ITEMS))
    parsed = tuple(_item(index, raw) for index, raw in enumerate(items, start=1))
    seen: set[str] = set()
    for one in parsed:
        if one.code in seen:
            raise PriceListInvalid(where=one.code, problem="code_twice")
        seen.add(one.code)
    return PriceList(parsed)


def _item(index: int, raw: Mapping[str, Any]) -> PriceItem:
    code = str(raw.get("code", ""))
    if not _CODE.fullmatch(code):
        raise PriceListInvalid(where=f"#{index}", problem="bad_code")
    names = raw.get("names")
    if not isinstance(names, Mapping) or any(not _is_name(names.get(language.value)) for language in Language):
        raise PriceListInvalid(where=code, problem="bad_names", limit=str(LONGEST_NAME))
    unit = raw.get("unit")
    if not _is_name(unit):
        raise PriceListInvalid(where=code, problem="bad_unit")
    try:
        kind = ItemKind(raw.get("kind", ""))
    except ValueError:
        raise PriceListInvalid(where=code, problem="bad_kind", limit=", ".join(ItemKind)) from None
    wording = Wording({language.value: names[language.value].strip() for language in Language})
    return PriceItem(code, wording, kind, str(unit).strip(), _price(code, raw.get("price")))


def _is_name(words: object) -> bool:
    return isinstance(words, str) and 0 < len(words.strip()) <= LONGEST_NAME and "\x00" not in words


def _price(code: str, raw: object) -> Decimal:
    """From a text or a Decimal: a float would bring a price that nobody wrote."""
    try:
        price = Decimal(raw) if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or not 0 <= price <= MOST_YUAN or price != round(price, 2):
        raise PriceListInvalid(where=code, problem="bad_price", limit=str(MOST_YUAN))
    return round(price, 2)
