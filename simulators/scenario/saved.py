"""What a run has saved, and how later steps refer to it: `{order.id}`, `{order.tasks.intercom.id}`."""

import re
from collections.abc import Mapping
from typing import Any

from simulators.errors import BadScenario

_BRACES = re.compile(r"\{([\w.-]+)\}")


class Saved:
    """Answers of the hub by the names scenarios gave them."""

    def __init__(self) -> None:
        self._things: dict[str, Any] = {}

    def keep(self, name: str, thing: Any) -> None:
        self._things[name] = thing

    def fill(self, value: Any) -> Any:
        """`value` with braces filled, through tables and lists. Raises BadScenario for what nobody saved."""
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        return _BRACES.sub(lambda match: str(self._find(match[1])), value)

    def _find(self, path: str) -> Any:
        thing: Any = self._things
        for part in path.split("."):
            thing = _inside(thing, part)
            if thing is None:
                raise BadScenario(f"{{{path}}}", "nothing of this name was saved")
        return thing


def _inside(thing: Any, part: str) -> Any:
    """A key of a table; of a list the element at that index, or of that kind."""
    if isinstance(thing, Mapping):
        return thing.get(part)
    if not isinstance(thing, list):
        return None
    if part.isdigit():
        return thing[int(part)] if int(part) < len(thing) else None
    return next((item for item in thing if isinstance(item, Mapping) and item.get("kind") == part), None)
