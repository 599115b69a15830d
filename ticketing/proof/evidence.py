"""What is asked of telemetry about an alarm behind an order. The hub answers: ticketing reads no store and no rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.proof.verdict import Trust


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """The condition behind an alarm: which rule (or link) said it of which equipment."""

    equipment_id: UUID
    source: str
    source_id: str


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """A point over a period, in buckets, oldest first; columns of equal length, None where nothing was read.

    `name` by language, times UTC, values in `unit`. `bad` counts readings without a value.
    """

    key: str
    name: dict[str, str]
    unit: str
    decimals: int
    at: Sequence[datetime]
    avg: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]
    bad: Sequence[int]


class ProofSource(Protocol):
    async def trust(self, session: AsyncSession, suspect: Suspect, *, since: datetime, now: datetime) -> Trust:
        """Whether the points that the rule looks at may be believed, and since when, at the earliest `since`.

        Never raises for what is gone or away: that is a doubt.
        """
        ...

    async def chart(
        self, session: AsyncSession, suspects: Sequence[Suspect], *, start: datetime, end: datetime
    ) -> Sequence[ChartLine]:
        """The points that these rules look at, each once; empty where none is known. Raises when the store is away."""
        ...
