"""Kinds and flows by code and version. A version never changes, so that one read is one read for good."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from ticketing.definitions import repository
from ticketing.definitions.errors import DefinitionChanged, FlowNotFound, KindNotFound
from ticketing.definitions.flow_document import parse_flow
from ticketing.definitions.kind_document import check_flow, parse_kind
from ticketing.definitions.models import FlowVersion, OrderKindVersion
from ticketing.definitions.repository import Row, Table
from ticketing.flow import Flow
from ticketing.models import WorkOrder
from ticketing.order_kind import OrderKind


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)
T_co = TypeVar("T_co", bound=Versioned, covariant=True)


class Parse(Protocol[T_co]):
    def __call__(self, document: Mapping[str, Any], *, code: str, version: int) -> T_co:
        """What a document means. Raises DocumentInvalid."""
        ...


def shipped(folder: str) -> dict[str, dict[str, Any]]:
    """The documents that come with the hub, by code."""
    files = (resources.files("ticketing.definitions") / folder).iterdir()
    found = ((file.name.removesuffix(".toml"), file) for file in files if file.name.endswith(".toml"))
    return {code: tomllib.loads(file.read_text("utf-8")) for code, file in found}


@dataclass(frozen=True)
class Saved(Generic[T]):
    """A version as it is kept: what it means and the document it was read from. `by` None: it came with the hub."""

    meaning: T
    document: Mapping[str, Any]
    by: UUID | None


class Book(Generic[T]):
    """The versions of one sort of document.

    What comes with the hub is written down when it is first used, and again when a release changes it, unless somebody
    here edited it meanwhile: then theirs holds.
    """

    def __init__(
        self, table: Table, documents: Mapping[str, dict[str, Any]], parse: Parse[T],
        not_found: Callable[[str], Exception], clock: Clock,
    ) -> None:  # fmt: skip
        self._table = table
        self._shipped = documents
        self._parse = parse
        self._not_found = not_found
        self._clock = clock
        self._read: dict[tuple[str, int], T] = {}

    async def latest(self, session: AsyncSession, code: str) -> Saved[T]:
        """What holds for a new order. Raises KindNotFound or FlowNotFound."""
        row = await repository.latest(session, self._table, code)
        document = self._shipped.get(code)
        if row is None and document is None:
            raise self._not_found(code)
        is_behind = row is None or (row.saved_by is None and document is not None and row.document != document)
        if is_behind:
            assert document is not None
            return await self._keep(session, code, document, version=row.version + 1 if row else 1, by=None)
        assert row is not None
        return self._saved(row)

    async def version(self, session: AsyncSession, code: str, version: int) -> T:
        """A version that an order was opened with."""
        known = self._read.get((code, version))
        if known is not None:
            return known
        row = await repository.version(session, self._table, code=code, version=version)
        if row is not None:
            return self._saved(row).meaning
        # Orders of the releases before kinds and flows were data.
        if code in self._shipped:
            return self._parse(self._shipped[code], code=code, version=version)
        raise self._not_found(code)

    async def all(self, session: AsyncSession) -> list[Saved[T]]:
        """The latest of each, by code."""
        codes = {*self._shipped, *await repository.codes(session, self._table)}
        return [await self.latest(session, code) for code in sorted(codes)]

    async def history(self, session: AsyncSession, code: str) -> list[Row]:
        """Every version, newest first. Raises KindNotFound or FlowNotFound."""
        await self.latest(session, code)
        return await repository.versions(session, self._table, code)

    async def save(
        self, session: AsyncSession, code: str, document: Mapping[str, Any], *, over: int | None, by: UUID
    ) -> Saved[T]:
        """Writes the next version, which holds for new orders. `over`: the version edited, None for a new code.

        Raises DocumentInvalid, DefinitionChanged.
        """
        self._parse(document, code=code, version=1)
        await repository.lock(session, self._table, code)
        row = await repository.latest(session, self._table, code)
        if row is None and code in self._shipped:
            row_version = (await self.latest(session, code)).meaning.version
        else:
            row_version = row.version if row else 0
        if row_version != (over or 0):
            raise DefinitionChanged(code_name=code, given_version=over or 0, version=row_version)
        return await self._keep(session, code, document, version=row_version + 1, by=by)

    async def _keep(
        self, session: AsyncSession, code: str, document: Mapping[str, Any], *, version: int, by: UUID | None
    ) -> Saved[T]:
        await repository.save(
            session, self._table, code=code, version=version, document=document, at=self._clock.now(), by=by
        )
        row = await repository.version(session, self._table, code=code, version=version)
        assert row is not None  # written a moment ago, by us or by somebody quicker
        # Not remembered: should this be rolled back, another document may get that number.
        return Saved(self._parse(row.document, code=code, version=version), row.document, row.saved_by)

    def _saved(self, row: Row) -> Saved[T]:
        key = (row.code, row.version)
        meaning = self._read.get(key)
        if meaning is None:
            meaning = self._read[key] = self._parse(row.document, code=row.code, version=row.version)
        return Saved(meaning, row.document, row.saved_by)


class Definitions:
    """The kinds and flows of this installation."""

    def __init__(self, clock: Clock) -> None:
        self.kinds: Book[OrderKind] = Book(OrderKindVersion, shipped("kinds"), parse_kind, KindNotFound, clock)
        self.flows: Book[Flow] = Book(FlowVersion, shipped("flows"), parse_flow, FlowNotFound, clock)

    async def for_new(self, session: AsyncSession, kind: str) -> tuple[OrderKind, Flow]:
        """What holds for an order of that kind that opens now. Raises KindNotFound."""
        chosen = (await self.kinds.latest(session, kind)).meaning
        return chosen, (await self.flows.latest(session, chosen.flow)).meaning

    async def kind_of(self, session: AsyncSession, order: WorkOrder) -> OrderKind:
        return await self.kinds.version(session, order.kind, order.kind_version)

    async def flow_of(self, session: AsyncSession, order: WorkOrder) -> Flow:
        return await self.flows.version(session, order.flow, order.flow_version)

    async def save_kind(
        self, session: AsyncSession, code: str, document: Mapping[str, Any], *, over: int | None, by: UUID
    ) -> Saved[OrderKind]:
        """Raises DocumentInvalid, DefinitionChanged, FlowNotFound."""
        kind = parse_kind(document, code=code, version=1)
        check_flow(kind, (await self.flows.latest(session, kind.flow)).meaning)
        return await self.kinds.save(session, code, document, over=over, by=by)

    async def save_flow(
        self, session: AsyncSession, code: str, document: Mapping[str, Any], *, over: int | None, by: UUID
    ) -> Saved[Flow]:
        """Raises DocumentInvalid (also when a kind that takes this flow no longer could), DefinitionChanged."""
        flow = parse_flow(document, code=code, version=1)
        for kind in await self.kinds.all(session):
            if kind.meaning.flow == code:
                check_flow(kind.meaning, flow)
        return await self.flows.save(session, code, document, over=over, by=by)
