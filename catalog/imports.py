"""Imports and exports of tables: one desk, one `SheetKind` a table. Either every row goes in, or none."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import ImportRefused, SheetKindUnknown, SheetTooLarge, SheetUnreadable, SiteNotFound
from catalog.repository import locked_site
from catalog.sheets import CELL_LIMIT, Cell, Sheet, Unreadable, read_sheet, write_csv, write_xlsx
from kit.access import Role, Scope
from kit.i18n import Language, Texts

FILE_LIMIT_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class Column:
    """A column by key; its header in each language is the text `sheets.<kind>.<key>`."""

    key: str
    required: bool = False


@dataclass(frozen=True)
class Row:
    """A row by column key. A column the file does not have is absent; an empty cell is ""."""

    line: int
    values: Mapping[str, str]

    def get(self, key: str) -> str:
        return self.values.get(key, "")


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a cell. The text is `sheets.problems.<code>`, filled with `facts`."""

    line: int
    column: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Plan:
    """What an import would do: problems, or the changes (whatever its kind needs) and how many rows they are."""

    problems: list[RowProblem] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    changes: Any = None

    def refuse(self, line: int, column: str, code: str, /, **facts: object) -> None:
        """Notes a problem; a fact that differs by language is a function of the language."""
        self.problems.append(RowProblem(line, column, code, facts))


class SheetKind(Protocol):
    """One table that can be imported and exported."""

    kind: str
    columns: tuple[Column, ...]
    importers: tuple[Role, ...]
    exporters: tuple[Role, ...]

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        """Looks at every row and changes nothing."""
        ...

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        """Makes the changes of a plan without problems."""
        ...

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        """Every row of the site, by column key."""
        ...


@dataclass(frozen=True)
class ImportReport:
    """`problems`: line, column header, code, message. `ignored_columns`: headers that mean nothing here."""

    kind: str
    dry_run: bool
    rows: int
    created: int
    updated: int
    problems: list[dict[str, Any]]
    ignored_columns: list[str]


class ImportDesk:
    """Finds the kind, reads the file, words the problems. `texts` name columns and problems."""

    def __init__(self, kinds: Sequence[SheetKind], texts: Texts) -> None:
        self._kinds = {kind.kind: kind for kind in kinds}
        self._texts = texts

    def kind(self, name: str) -> SheetKind:
        if name not in self._kinds:
            raise SheetKindUnknown(kind=name, known=", ".join(self._kinds))
        return self._kinds[name]

    async def run(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        kind: str,
        site_id: UUID,
        data: bytes,
        dry_run: bool,
        language: Language,
    ) -> ImportReport:
        """Checks every row and, unless `dry_run`, imports them all.

        Raises SiteNotFound, SheetTooLarge, SheetUnreadable; ImportRefused when a row is bad and it is no dry run.
        """
        found = self.kind(kind)
        if await locked_site(session, scope, site_id) is None:
            raise SiteNotFound(site_id)
        if len(data) > FILE_LIMIT_BYTES:
            raise SheetTooLarge(f"{FILE_LIMIT_BYTES // 1024 // 1024} MB")
        sheet = await self._read(data, language)
        plan, headers = Plan(), self._headers(found, sheet)
        rows = self._rows(found, sheet, headers, plan, language)
        if not any(problem.code == "column_missing" for problem in plan.problems):
            checked = await found.check(session, site_id, rows)
            checked.problems = sorted([*plan.problems, *checked.problems], key=lambda problem: problem.line)
            plan = checked
        problems = [self._worded(found, problem, headers, language) for problem in plan.problems]
        if problems and not dry_run:
            raise ImportRefused(bad_rows=len({problem["line"] for problem in problems}), problems=problems)
        if not problems and not dry_run:
            await found.apply(session, site_id, plan)
        ignored = [header for header in sheet.headers if header and header not in headers.values()]
        return ImportReport(kind, dry_run, len(rows), plan.created, plan.updated, problems, ignored)

    async def export_csv(self, session: AsyncSession, *, kind: str, site_id: UUID, language: Language) -> bytes:
        headers, rows = await self._export(session, kind, site_id, language)
        return await asyncio.to_thread(write_csv, headers, rows)

    async def export_xlsx(self, session: AsyncSession, *, kind: str, site_id: UUID, language: Language) -> bytes:
        headers, rows = await self._export(session, kind, site_id, language)
        title = self._texts.text(f"sheets.titles.{kind}", language)
        return await asyncio.to_thread(write_xlsx, title, headers, rows)

    async def template(self, *, kind: str, language: Language) -> bytes:
        """An empty workbook with the right headers."""
        found = self.kind(kind)
        headers = [self._title(found, column, language) for column in found.columns]
        title = self._texts.text(f"sheets.titles.{kind}", language)
        return await asyncio.to_thread(write_xlsx, title, headers, [])

    async def _export(
        self, session: AsyncSession, kind: str, site_id: UUID, language: Language
    ) -> tuple[list[str], list[list[Cell]]]:
        found = self.kind(kind)
        rows = await found.export(session, site_id, language)
        headers = [self._title(found, column, language) for column in found.columns]
        return headers, [[row.get(column.key) for column in found.columns] for row in rows]

    async def _read(self, data: bytes, language: Language) -> Sheet:
        try:
            return await asyncio.to_thread(read_sheet, data)
        except Unreadable as error:
            why = self._texts.text(f"sheets.unreadable.{error.why}", language, **error.facts)
            raise SheetUnreadable(why) from None

    def _headers(self, kind: SheetKind, sheet: Sheet) -> dict[str, str]:
        """Column key → the header the file uses for it: either language's, or the key itself."""
        found: dict[str, str] = {}
        for column in kind.columns:
            titles = {column.key, *(self._title(kind, column, language).lower() for language in Language)}
            for header in sheet.headers:
                if header.lower().rstrip("*＊ ") in titles:
                    found.setdefault(column.key, header)
        return found

    def _rows(
        self, kind: SheetKind, sheet: Sheet, headers: Mapping[str, str], plan: Plan, language: Language
    ) -> list[Row]:
        for column in kind.columns:
            if column.required and column.key not in headers:
                plan.refuse(1, column.key, "column_missing", column=self._title(kind, column, language))
        places = {key: sheet.headers.index(header) for key, header in headers.items()}
        rows = [Row(row.line, {key: row.cells[at] for key, at in places.items()}) for row in sheet.rows]
        for row in rows:
            for column in kind.columns:
                value = row.get(column.key)
                if column.required and column.key in headers and not value:
                    plan.refuse(row.line, column.key, "empty")
                if len(value) > CELL_LIMIT:
                    plan.refuse(row.line, column.key, "too_long", limit=CELL_LIMIT)
        return rows

    def _title(self, kind: SheetKind, column: Column, language: Language) -> str:
        return self._texts.text(f"sheets.{kind.kind}.{column.key}", language)

    def _worded(
        self, kind: SheetKind, problem: RowProblem, headers: Mapping[str, str], language: Language
    ) -> dict[str, Any]:
        column = next(column for column in kind.columns if column.key == problem.column)
        facts = {name: fact(language) if callable(fact) else fact for name, fact in problem.facts.items()}
        return {
            "line": problem.line,
            "column": headers.get(problem.column) or self._title(kind, column, language),
            "code": problem.code,
            "message": self._texts.text(f"sheets.problems.{problem.code}", language, **facts),
        }
