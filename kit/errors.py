"""Refusals that have a cause. They know no HTTP; `kit.http` and a room's `STATUS` table give them a status code."""

import dataclasses
import re
from typing import Any

# Metadata of a field that is no fact but what the sentence calls one: `state_name` beside `state`.
ONLY_SHOWN = {"only_shown": True}


@dataclasses.dataclass(eq=False)
class DomainError(Exception):
    """Base of every refusal a user may see.

    A subclass is a dataclass (`@dataclass(eq=False)`) whose fields are its facts. Its text lives in the room's
    `locales/*.toml` under `errors.<code>` and says what happened and what to do next; the facts fill its braces.
    """

    @classmethod
    def code(cls) -> str:
        """The stable machine name: `WorkOrderNotFound` → `work_order_not_found`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def facts(self) -> dict[str, Any]:
        fields = (one.name for one in dataclasses.fields(self) if not one.metadata.get("only_shown"))
        return {name: getattr(self, name) for name in fields}

    @property
    def shown(self) -> dict[str, Any]:
        """The facts as its sentence shows them: a class whose facts are machine words gives `TextKey`s here."""
        return self.facts

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code()}({facts})"


@dataclasses.dataclass(eq=False)
class StaleEdit(DomainError):
    """Somebody changed it since the caller looked. What they changed, who and when is told with the refusal, where
    the route names the thing in its path (`kit.http.History`)."""

    given_version: int
    version: int
    # Whose changes are told, where the route names the thing by another word than its row's id.
    row_id: str = dataclasses.field(default="", kw_only=True, metadata=ONLY_SHOWN)


def every_error(root: type[DomainError] = DomainError) -> list[type[DomainError]]:
    """All loaded subclasses, so that a test can ask each for its texts."""
    found: list[type[DomainError]] = []
    for cls in root.__subclasses__():
        found += [cls, *every_error(cls)]
    return found
