"""Refusals of the insight room. Their words are in `locales/`."""

from dataclasses import dataclass

from kit.errors import DomainError


@dataclass(eq=False)
class SpanTooLong(DomainError):
    """Figures are asked of so many days at most; over all sites of fewer."""

    days: int


@dataclass(eq=False)
class SpanTurnedRound(DomainError):
    """The end of a span comes before its beginning."""


@dataclass(eq=False)
class TooManyForWorkbook(DomainError):
    """A workbook takes so many rows; CSV takes any number."""

    limit: int
