"""Tables as people send them and as Excel opens them: XLSX, and CSV in UTF-8, GBK or UTF-16. Pure.

Chinese Excel saves "CSV" in GBK and "CSV UTF-8" with a byte-order mark; both arrive here. What we write carries the
mark, for without it Excel shows Chinese as rubble.

openpyxl takes 5 MB, which a hub has for better things until somebody brings or wants a workbook.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

ROWS_LIMIT = 20_000
COLUMNS_LIMIT = 100
UNPACKED_LIMIT_BYTES = 200 * 1024 * 1024
CELL_LIMIT = 500

# A cell that begins so is a formula to Excel, and a formula from a stranger is a command to the reader's machine.
# Excel in Chinese and Japanese takes full-width signs for the same.
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")

_XLSX, _OLD_XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# What openpyxl raises, beside its own, on files that only look like workbooks.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, AttributeError, IndexError,
    OSError, SyntaxError, EOFError, NotImplementedError,
)  # fmt: skip
# What XML has no place for, and openpyxl refuses.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Cell = str | int | float | date | datetime | bool | None


class Unreadable(Exception):
    """`why` is a key under `sheets.unreadable`; `facts` fill its text."""

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts


@dataclass(frozen=True)
class SheetRow:
    """`line` as the reader's program counts it: the header is line 1. Cells are trimmed texts, one a header."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    headers: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def read_sheet(data: bytes) -> Sheet:
    """The first table of a file, whatever its name says. Empty lines are left out. Raises Unreadable."""
    if data.startswith(_OLD_XLS):
        raise Unreadable("old_xls")
    lines = _xlsx_lines(data) if data.startswith(_XLSX) else _csv_lines(_decoded(data))
    filled = (SheetRow(line, cells) for line, cells in lines if any(cells))
    header = next(filled, None)
    if header is None:
        raise Unreadable("empty")
    headers = _trimmed(header.cells)
    if len(headers) > COLUMNS_LIMIT:
        raise Unreadable("too_many_columns", limit=COLUMNS_LIMIT)
    rows: list[SheetRow] = []
    for row in filled:
        if len(rows) >= ROWS_LIMIT:
            raise Unreadable("too_many_rows", limit=ROWS_LIMIT)
        padded = (*row.cells, *[""] * len(headers))[: len(headers)]
        rows.append(SheetRow(row.line, padded))
    return Sheet(headers, tuple(rows))


def write_csv(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with the mark, commas, CRLF: Excel opens it by a double click."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([guarded(cell) for cell in row] for row in [headers, *rows])
    return text.getvalue().encode("utf-8-sig")


def write_xlsx(title: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A workbook of one sheet with a fixed header and columns as wide as what they hold."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    page = book.create_sheet(title[:31])
    kept = [[guarded(cell) for cell in row] for row in [headers, *rows]]
    for index, header in enumerate(headers, start=1):
        longest = max(len(str(row[index - 1])) for row in kept[:200])
        # A Chinese character is two columns wide.
        page.column_dimensions[get_column_letter(index)].width = min(60, max(8, len(header) * 2, longest * 1.4) + 2)
    page.freeze_panes = "A2"
    for number, row in enumerate(kept):
        page.append(_bold(page, row) if number == 0 else row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _bold(page: Any, row: Sequence[Any]) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cells = [WriteOnlyCell(page, value=value) for value in row]
    for cell in cells:
        cell.font = Font(bold=True)
    return cells


def guarded(cell: Cell) -> Cell:
    """What is written for a cell: a text that Excel would run gets an apostrophe, by which Excel takes it for text.

    Control characters, which no workbook can hold, are left out.
    """
    if isinstance(cell, str):
        text = _CONTROL.sub("", cell)
        return "'" + text if text.startswith(FORMULA_STARTS) else text
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return "" if cell is None else cell


def _text(cell: Cell) -> str:
    """A cell as the text it shows: numbers without a made-up `.0`, dates in ISO, our own apostrophes taken off."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if (cell.hour, cell.minute) == (0, 0) else cell.isoformat(sep=" ")
    text = str(cell).strip()
    if text.startswith("'") and text[1:].startswith(FORMULA_STARTS):
        text = text[1:]
    return text.replace("\x00", "�")[: CELL_LIMIT + 1]


def _trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    filled = [index for index, cell in enumerate(cells) if cell]
    return tuple(cells[: filled[-1] + 1])


def _decoded(data: bytes) -> str:
    has_utf16_mark = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if has_utf16_mark else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("encoding")


def _csv_lines(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    if "\x00" in text:
        raise Unreadable("encoding")
    first = text.split("\n", 1)[0]
    skipped = 0
    if first.lower().startswith("sep="):  # Excel's own way of naming the delimiter
        text, skipped = text.partition("\n")[2], 1
        delimiter = first.strip()[4:5] or ","
    else:
        delimiter = max([",", "\t", ";"], key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1 + skipped
    try:
        for cells in reader:
            yield line, tuple(_text(cell) for cell in cells)
            line = reader.line_num + 1 + skipped
    except csv.Error:
        raise Unreadable("broken_line", line=line) from None


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > UNPACKED_LIMIT_BYTES:
                raise Unreadable("too_large")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        page = book.worksheets[0]
        page.reset_dimensions()  # other programs write wrong ones
        for line, cells in enumerate(page.iter_rows(values_only=True), start=1):
            yield line, tuple(_text(cell) for cell in cells)  # type: ignore[arg-type]
    except (InvalidFileException, *_BROKEN):
        raise Unreadable("broken_xlsx") from None
