"""Refusals of replays and proposals. Their words are in `insight/locales/`."""

from dataclasses import dataclass

from kit.errors import DomainError


@dataclass(eq=False)
class ReplayNotFound(DomainError):
    """No such replay of this person."""

    replay_id: str


@dataclass(eq=False)
class ReplayUnderWay(DomainError):
    """A person runs one replay at a time."""

    replay_id: str


@dataclass(eq=False)
class ReplayTooLong(DomainError):
    """A replay goes over so many days at most."""

    days: int


@dataclass(eq=False)
class ReplaySpanEmpty(DomainError):
    """A span ends after it begins, and not in the future."""


@dataclass(eq=False)
class NoRuleToReplay(DomainError):
    """Neither a draft nor the key of a rule was given."""


@dataclass(eq=False)
class ReplayCoversNothing(DomainError):
    """The rule is for no equipment that the caller answers for."""

    rule: str
