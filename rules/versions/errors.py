"""Why a version of a rule is refused, or a document of rules."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.errors import DomainError
from kit.i18n import TextKey, Wording


@dataclass(eq=False)
class RuleVersionNotFound(DomainError):
    rule: str
    number: int


@dataclass(eq=False)
class VersionActionNotPossible(DomainError):
    """The version is not in a state in which that can be done; `possible` is what can."""

    number: int
    state: str
    possible: list[str]

    @property
    def shown(self) -> dict[str, Any]:
        names = [TextKey(f"rules.version_actions.{one}") for one in self.possible or ["none"]]
        return self.facts | {"state": TextKey(f"rules.version_states.{self.state}"), "possible": names}


@dataclass(eq=False)
class OtherVersionInForce(DomainError):
    """Another version came into force than the caller has compared with; None: none is."""

    rule: str
    in_force: int | None
    compared: int | None

    @property
    def shown(self) -> dict[str, Any]:
        return {"rule": self.rule, "in_force": self.in_force or "—", "compared": self.compared or "—"}


@dataclass(eq=False)
class OtherVersionScheduled(DomainError):
    """Of a rule one version at a time waits for its instant."""

    rule: str
    number: int


@dataclass(eq=False)
class TooManyDrafts(DomainError):
    rule: str
    limit: int


@dataclass(eq=False)
class ActivationTooFar(DomainError):
    """An instant so far away is a slip of the pen."""

    at: datetime
    limit_days: int


@dataclass(eq=False)
class WrittenForOtherRelease(DomainError):
    """The kept text has the shape of another release and is no rule in this one."""

    rule: str
    number: int


@dataclass(eq=False)
class DocumentUnreadable(DomainError):
    """Not TOML."""

    line: int
    column: int
    near: str


@dataclass(eq=False)
class DocumentWithoutRules(DomainError):
    """TOML, but no `[[rules]]` in it."""


@dataclass(eq=False)
class TooManyRulesInDocument(DomainError):
    limit: int


@dataclass(eq=False)
class RuleTwiceInDocument(DomainError):
    rule: str
    first_line: int


@dataclass(eq=False)
class FieldNotRight(DomainError):
    """A field of a rule has the wrong shape. `problem` names it and the mistake."""

    problem: Wording
