"""Tables of figures and of the orders behind them, as Excel opens them: streamed, so that few rows are in memory.

A text that Excel would run is made a text (`catalog.sheets.guarded`); phones leave masked.
"""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import IO, TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from catalog.service import CatalogService
from catalog.sheets import Cell, guarded
from insight.errors import TooManyForWorkbook
from insight.service import InsightService, NamedGroups, NamedOrder
from kit.access import Scope
from kit.db import Database
from kit.i18n import Language, Texts
from people.phones import masked
from ticketing.figures import Drill, Figure, Value

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

# A workbook is written as a whole before its first byte can be sent.
MOST_WORKBOOK_ROWS = 100_000
CHUNK_BYTES = 64 * 1024
GROUPS_A_CHUNK = 50
IN_MEMORY_BYTES = 8 * 1024 * 1024
DEFAULT_ZONE = "Asia/Shanghai"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"

_ORDER_COLUMNS = (
    "number", "kind", "category", "state", "priority", "place", "equipment", "technician", "opened_at", "responded_at",
    "done_at", "response_min", "held_min", "resolution_min", "cost", "closing_code", "is_repeat", "left_out",
    "reporter", "phone",
)  # fmt: skip
_FIGURE_COLUMNS = ("key", "name", "figure", "orders", "hits", "share", "median", "p90", "mean", "total")

Row = Sequence[Cell]


class Exporting:
    """Opens a transaction of its own: an answer that is streamed outlives its request's."""

    def __init__(self, *, database: Database, insight: InsightService, catalog: CatalogService, texts: Texts) -> None:
        self._database = database
        self._insight = insight
        self._catalog = catalog
        self._texts = texts

    async def orders_csv(self, scope: Scope, drill: Drill, *, language: Language) -> AsyncIterator[bytes]:
        """UTF-8 with the mark, CRLF. The span has been checked."""
        yield csv_lines([self._headers(_ORDER_COLUMNS, language)], is_first=True)
        async for rows in self._order_rows(scope, drill, language):
            yield csv_lines(rows)

    async def orders_xlsx(self, scope: Scope, drill: Drill, *, total: int, language: Language) -> AsyncIterator[bytes]:
        """`total`: how many orders there are. Raises TooManyForWorkbook."""
        if total > MOST_WORKBOOK_ROWS:
            raise TooManyForWorkbook(MOST_WORKBOOK_ROWS)
        return self._workbook(self._headers(_ORDER_COLUMNS, language), self._order_rows(scope, drill, language))

    async def figures_csv(self, found: NamedGroups, *, language: Language) -> AsyncIterator[bytes]:
        yield csv_lines([self._headers(_FIGURE_COLUMNS, language)], is_first=True)
        async for rows in self._figure_rows(found, language):
            yield csv_lines(rows)

    def figures_xlsx(self, found: NamedGroups, *, language: Language) -> AsyncIterator[bytes]:
        return self._workbook(self._headers(_FIGURE_COLUMNS, language), self._figure_rows(found, language))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _headers(self, columns: Sequence[str], language: Language) -> Row:
        return [self._texts.text(f"insight.column.{name}", language) for name in columns]

    async def _order_rows(self, scope: Scope, drill: Drill, language: Language) -> AsyncIterator[Sequence[Row]]:
        async with self._database.transaction() as session:
            zones: dict[UUID, ZoneInfo] = {}
            for site in await self._catalog.sites(session, scope):
                zones[site.id] = ZoneInfo(site.timezone)
            async for some in self._insight.all_orders(session, scope, drill):
                yield [
                    self._order_row(one, zones.get(one.order.site_id, ZoneInfo(DEFAULT_ZONE)), language) for one in some
                ]

    def _order_row(self, one: NamedOrder, zone: ZoneInfo, language: Language) -> Row:
        order = one.order
        return [
            order.number, self._word("kind", order.kind, language), self._word("category", order.category, language),
            self._word("state", order.state, language), order.priority, order.place, order.equipment_code,
            one.assignee_name, _local(order.opened_at, zone), _local(order.responded_at, zone),
            _local(order.done_at, zone), _minutes(order.response_s), _minutes(order.held_s),
            _minutes(order.resolution_s), order.cost, self._word("closing_code", order.closing_code, language),
            order.is_repeat, self._left_out(order.left_out, language), order.contact_name, masked(order.contact_phone),
        ]  # fmt: skip

    async def _figure_rows(self, found: NamedGroups, language: Language) -> AsyncIterator[Sequence[Row]]:
        """At the end, how many groups are missing."""
        for begin in range(0, len(found.groups), GROUPS_A_CHUNK):
            some = found.groups[begin : begin + GROUPS_A_CHUNK]
            yield [
                [one.group.key, one.name, self._figure(figure, language), *_cells(value)]
                for one in some
                for figure, value in one.group.values.items()
            ]
        if found.left_out:
            yield [[self._texts.text("insight.groups_left_out", language, count=found.left_out)]]

    def _figure(self, figure: Figure, language: Language) -> str:
        return self._texts.text(f"insight.figure.{figure}", language)

    def _left_out(self, reason: str | None, language: Language) -> str | None:
        return None if reason is None else self._figure(Figure(reason), language)

    def _word(self, group: str, code: str | None, language: Language) -> str | None:
        """The text of a code; of one that a company made itself, the code."""
        key = f"ticketing.{group}.{code}"
        return self._texts.text(key, language) if key in self._texts.keys(language) else code

    async def _workbook(self, headers: Row, rows: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
        book = await asyncio.to_thread(_new_book)
        page = book.create_sheet("1")
        page.freeze_panes = "A2"
        page.append([guarded(cell) for cell in headers])
        async for some in rows:
            # A thousand rows take a fifth of a second, in which an alarm would wait.
            await asyncio.to_thread(_append, page, some)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            await asyncio.to_thread(book.save, file)
            file.seek(0)
            while chunk := await asyncio.to_thread(_read, file):
                yield chunk


def csv_lines(rows: Sequence[Row], *, is_first: bool = False) -> bytes:
    """Lines of a table; the first ones with the mark without which Excel shows Chinese as rubble."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig" if is_first else "utf-8")


def _new_book() -> "Workbook":
    from openpyxl import Workbook  # 5 MB, for those who want a workbook

    return Workbook(write_only=True)


def _append(page: "WriteOnlyWorksheet", rows: Sequence[Row]) -> None:
    """To the page's file on the disk: none of them stay in memory."""
    for row in rows:
        page.append([guarded(cell) for cell in row])


def _read(file: IO[bytes]) -> bytes:
    return file.read(CHUNK_BYTES)


def _cells(value: Value) -> Row:
    numbers = (value.share, value.median, value.p90, value.mean, value.total)
    return [value.orders, value.hits, *(None if number is None else round(number, 4) for number in numbers)]


def _local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else moment.astimezone(zone)


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)
