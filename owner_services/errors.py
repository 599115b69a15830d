"""Refusals of owner services. Their words are in `locales/`."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class WrongSignature(DomainError):
    """Not from WeChat, or too old, or for another account: nothing is kept."""


@dataclass(eq=False)
class CallbackNotSetUp(DomainError):
    """The installation has no callback token."""


@dataclass(eq=False)
class MessageUnreadable(DomainError):
    """Signed, yet no message of WeChat's."""


@dataclass(eq=False)
class MessageTooLarge(DomainError):
    limit_kb: int


@dataclass(eq=False)
class HomeNotFound(DomainError):
    """No home of that id, or not one of the caller's."""

    space_id: UUID


@dataclass(eq=False)
class MoreNeeded(DomainError):
    """A report that cannot be placed yet; `question` says what is missing."""

    question: str
