"""Refusals about kinds and flows."""

from dataclasses import dataclass, field
from typing import Any

from kit.errors import ONLY_SHOWN, DomainError
from kit.i18n import Phrase


@dataclass(eq=False)
class DocumentInvalid(DomainError):
    """A kind or flow that could not work. Says all that is wrong with it."""

    problems: list[str]
    sentences: list[Phrase] | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"problems": self.sentences or self.problems}


@dataclass(eq=False)
class KindNotFound(DomainError):
    kind: str


@dataclass(eq=False)
class FlowNotFound(DomainError):
    flow: str


@dataclass(eq=False)
class DefinitionChanged(DomainError):
    """Somebody saved a newer version than the one that was edited."""

    code_name: str
    given_version: int
    version: int


@dataclass(eq=False)
class KindNotOffered(DomainError):
    """The kind exists, but the hub itself opens such orders."""

    kind: str
