"""`sort=field` or `sort=-field`, for every list."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import UnaryExpression
from sqlalchemy.orm import InstrumentedAttribute

from catalog.errors import UnknownSortField


def order_by(sort: str, known: Mapping[str, InstrumentedAttribute[Any]]) -> UnaryExpression[Any]:
    """The ORDER BY of a list; rows without a value come last. Raises UnknownSortField."""
    column = known.get(sort.removeprefix("-"))
    if column is None:
        raise UnknownSortField(field=sort.removeprefix("-"), known=", ".join(known))
    ordered = column.desc() if sort.startswith("-") else column.asc()
    # Said only where it changes anything: an index does not give "nulls last" backwards.
    return ordered.nulls_last() if column.property.columns[0].nullable else ordered
