"""Why a telemetry question cannot be answered."""

from dataclasses import dataclass

from kit.errors import DomainError


@dataclass(eq=False)
class NothingAsked(DomainError):
    """Latest values were asked of neither points nor an equipment."""


@dataclass(eq=False)
class BadPeriod(DomainError):
    """The period is empty or lies outside the time axis (years 2000 to 2200)."""

    start_ms: int
    end_ms: int


@dataclass(eq=False)
class TooManyBuckets(DomainError):
    """The bucket is too small for the period; `smallest_s` is the smallest round bucket that fits."""

    asked: int
    limit: int
    smallest_s: int


@dataclass(eq=False)
class TooManyReadings(DomainError):
    """More raw readings lie in the period than one answer carries."""

    limit: int


@dataclass(eq=False)
class QueryTooSlow(DomainError):
    """The store did not answer within its deadline; the query was stopped."""

    deadline_s: float


@dataclass(eq=False)
class StoreUnavailable(DomainError):
    """The process that owns the store does not answer."""


class StoreUnreachable(RuntimeError):
    """The engine's server does not answer, or not now. The message names the server, never an account's secret."""


class StoreRefused(RuntimeError):
    """The engine's server answers and does not let us work: a wrong account, no such database, a limit of its own.

    The message says what to change. The readings are not the reason, so they stay on the bus.
    """


class StoreInUse(RuntimeError):
    """Another process has the store's file open. The message names the file."""


class UnstorableBatch(ValueError):
    """The data of this batch, not the store, is why it cannot be appended: it never will be."""
