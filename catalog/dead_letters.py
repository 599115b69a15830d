"""What could not be used and why: cut, bounded a reason, counted, shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import device_repository as repository
from catalog.errors import DeadLetterNotFound
from catalog.foreign_text import storable
from catalog.models import DeadLetter
from catalog.views import DeadLetterView, LetterCount, NewLetter
from kit.access import Scope
from kit.ids import new_id

RAW_LIMIT_BYTES = 4_096
KEPT_PER_REASON = 1_000


class DeadLetters:
    """Keeps refused input. `registry` gets the counter; `kept_per_reason` bounds the table."""

    def __init__(self, registry: CollectorRegistry, *, kept_per_reason: int = KEPT_PER_REASON) -> None:
        self._kept_per_reason = kept_per_reason
        self._counter = Counter(
            "hub_dead_letters", "Input that could not be used.", ["reason", "source"], registry=registry
        )

    async def add(
        self,
        session: AsyncSession,
        *,
        raw: bytes,
        reason: str,
        detail: str,
        source: str,
        site_id: UUID | None = None,
        received_at: datetime,
    ) -> None:
        """Keeps `raw` (its first 4 KB). `reason` is one of few words; what differs each time goes into `detail`."""
        letter = NewLetter(
            id=new_id(), raw=raw, reason=reason, detail=detail, source=source, site_id=site_id,
            received_at=received_at,
        )  # fmt: skip
        await self.add_all(session, [letter])

    async def add_all(
        self, session: AsyncSession, letters: Sequence[NewLetter], *, alike: Mapping[UUID, int] | None = None
    ) -> None:
        """As `add`, any number in a few statements. `alike`: how many more like a letter, kept now or before, were
        only counted since it was last said."""
        if letters:
            await repository.add_letters(session, [_row(letter) for letter in letters])
        if alike:
            await repository.count_alike(session, alike)
        for reason in sorted({letter.reason for letter in letters}):
            await repository.trim_letters(session, reason, keep=self._kept_per_reason)
        # Last: whoever finds the database away comes again.
        for letter in letters:
            self._counter.labels(letter.reason, letter.source).inc()

    async def find(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        reason: str | None = None,
        source: str | None = None,
        sort: str = "-received_at",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[DeadLetterView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find_letters(
            session, scope, site_id=site_id, reason=reason, source=source, sort=sort, limit=limit, offset=offset
        )
        return [_view(row) for row in rows], total

    async def counts(self, session: AsyncSession, scope: Scope) -> list[LetterCount]:
        """How many letters are kept of each reason and source, the freshest first."""
        rows = await repository.letter_counts(session, scope)
        return [LetterCount(row.reason, row.source, row.kept, row.last_at) for row in rows]

    async def letter(self, session: AsyncSession, scope: Scope, letter_id: UUID) -> DeadLetterView:
        row = await repository.letter(session, scope, letter_id)
        if row is None:
            raise DeadLetterNotFound(letter_id)
        return _view(row)

    async def purge(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        reason: str | None = None,
        before: datetime | None = None,
    ) -> int:
        """Deletes what matches; how many letters that were."""
        return await repository.purge_letters(session, scope, site_id=site_id, reason=reason, before=before)


def _row(letter: NewLetter) -> dict[str, Any]:
    return {
        "id": letter.id, "raw": letter.raw[:RAW_LIMIT_BYTES], "size_bytes": len(letter.raw), "reason": letter.reason,
        "detail": storable(letter.detail), "source": storable(letter.source), "site_id": letter.site_id,
        "received_at": letter.received_at,
    }  # fmt: skip


def _view(row: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        row.id, row.site_id, row.received_at, row.source, row.reason, row.detail, row.raw, row.size_bytes,
        row.more_alike,
    )  # fmt: skip
