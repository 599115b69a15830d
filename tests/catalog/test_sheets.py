"""Tables as Chinese Excel, WPS and other programs write them, and as Excel opens ours."""

import csv
import io
import zipfile
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from catalog.sheets import ROWS_LIMIT, Unreadable, guarded, read_sheet, write_csv, write_xlsx

TABLE = "楼栋,房号,姓名\r\n3栋,502,张三\r\n3栋,503,喆堃\r\n"


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode("gbk"),  # Chinese Excel: CSV (逗号分隔)
        TABLE.encode("utf-8-sig"),  # Excel: CSV UTF-8
        TABLE.encode(),  # other programs
        TABLE.replace(",", "\t").encode("utf-16"),  # Excel: Unicode text
        TABLE.replace(",", ";").encode("gbk"),  # Excel where ; separates lists
        ("sep=,\r\n" + TABLE).encode("gbk"),
        TABLE.replace("\r\n", "\n").encode("gb18030"),
    ],
    ids=["gbk", "utf-8 with mark", "utf-8", "utf-16 tabs", "semicolons", "sep line", "unix lines"],
)
def test_every_way_to_save_a_csv_is_read(data: bytes):
    sheet = read_sheet(data)
    assert sheet.headers == ("楼栋", "房号", "姓名")
    assert [row.cells for row in sheet.rows] == [("3栋", "502", "张三"), ("3栋", "503", "喆堃")]


def test_a_rare_character_of_gb18030_is_read():
    assert read_sheet("姓名\r\n𠮷田\r\n".encode("gb18030")).rows[0].cells == ("𠮷田",)


def test_lines_are_counted_as_the_program_shows_them():
    text = '楼栋,备注\r\n1栋,"两\n行"\r\n,\r\n\r\n2栋,x\r\n'
    assert [(row.line, row.cells[0]) for row in read_sheet(text.encode("gbk")).rows] == [(2, "1栋"), (6, "2栋")]
    rows: list[list[Any]] = [["楼栋"], ["1栋"], [None], ["2栋"]]
    assert [(row.line, row.cells[0]) for row in read_sheet(workbook(*rows)).rows] == [(2, "1栋"), (4, "2栋")]


def test_numbers_and_dates_of_a_workbook_are_read_as_they_look():
    sheet = read_sheet(workbook(["手机", "房号", "面积", "日期"], [13800138000, 502.0, 89.5, date(2026, 11, 22)]))
    assert sheet.rows[0].cells == ("13800138000", "502", "89.5", "2026-11-22")


def test_trailing_empty_columns_are_no_columns():
    assert read_sheet("楼栋,房号,,,\r\n1栋,101,,,\r\n".encode("gbk")).headers == ("楼栋", "房号")


def test_short_lines_are_filled_and_long_ones_cut():
    sheet = read_sheet(b"a,b\n1\n1,2,3\n")
    assert [row.cells for row in sheet.rows] == [("1", ""), ("1", "2")]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * 210 * 1024 * 1024)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\r\n,,\r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_xls"),
        (b"PK\x03\x04 not a workbook", "broken_xlsx"),
        (b"\x89PNG\r\n\x1a\n\xff\xff", "encoding"),
        (b"a\x00b", "encoding"),
        ("房号\n" + "1\n" * (ROWS_LIMIT + 1), "too_many_rows"),
        (",".join("abcdefghij" * 11) + "\n", "too_many_columns"),
        ("a\n" + "x" * 200_000 + "\n", "broken_line"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else None,
)
def test_what_is_no_table_is_refused_with_the_reason(data: bytes | str, why: str):
    with pytest.raises(Unreadable) as refusal:
        read_sheet(data.encode() if isinstance(data, str) else data)
    assert refusal.value.why == why


def test_a_zip_bomb_is_not_unpacked():
    with pytest.raises(Unreadable) as refusal:
        read_sheet(bomb())
    assert refusal.value.why == "too_large"


def test_a_csv_of_ours_opens_in_excel_with_its_chinese():
    data = write_csv(["姓名", "电话"], [["张三", "13800138000"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig") == "姓名,电话\r\n张三,13800138000\r\n"


@pytest.mark.parametrize("cell", ["=1+1", "+8613800138000", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0"])
def test_a_formula_of_a_stranger_is_text_and_comes_back_as_it_was(cell: str):
    written = write_csv(["a"], [[cell]]).decode("utf-8-sig")
    assert next(iter(csv.reader(written.splitlines()[1:]))) == ["'" + cell]
    book = load_workbook(io.BytesIO(write_xlsx("a", ["a"], [[cell]])))
    assert book.active is not None
    assert book.active["A2"].data_type == "s"
    for data in (write_csv(["a"], [[cell]]), write_xlsx("a", ["a"], [[cell]])):
        assert read_sheet(data).rows[0].cells == (cell.strip() if cell[0] != "\t" else cell,)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [("\uff1d1+1", "'\uff1d1+1"), ("\uff0b1", "'\uff0b1"), ("\uff0d1", "'\uff0d1"), ("\uff20A1", "'\uff20A1"),
     ("\n=1", "'\n=1"), ("\x00=1", "'=1"), ("水\x1b\x0b管", "水管")],
)  # fmt: skip
def test_full_width_signs_run_nothing_and_control_characters_break_no_workbook(cell: str, kept: str):
    page = load_workbook(io.BytesIO(write_xlsx("a", ["a"], [[cell]]))).active
    assert page is not None
    assert (page["A2"].value, guarded(cell)) == (kept, kept)


def test_a_workbook_of_ours_keeps_numbers_numbers_and_phones_texts():
    page = load_workbook(io.BytesIO(write_xlsx("房屋", ["面积", "电话"], [[89.5, "13800138000"], [None, ""]]))).active
    assert page is not None
    assert (page.title, page["A2"].value, page["B2"].value) == ("房屋", 89.5, "13800138000")
    assert (page.freeze_panes, page["A1"].font.bold) == ("A2", True)
