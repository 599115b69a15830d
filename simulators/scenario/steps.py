"""What a scenario consists of. A step does something or expects something; expectations time themselves."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kit.i18n import Language

Words = Mapping[Language, str]


@dataclass(frozen=True)
class StartFault:
    words: Words
    fault: str
    device: str
    parameters: Mapping[str, Any]
    duration: str | None


@dataclass(frozen=True)
class EndFaults:
    """Ends every fault of a device: it is repaired, replaced or connected again."""

    words: Words
    device: str


@dataclass(frozen=True)
class Chat:
    """An owner acts in WeChat. `reply`: a regular expression that the hub's answer must match somewhere; None: any."""

    words: Words
    openid: str
    content: Mapping[str, str]
    reply: str | None
    within_s: float


@dataclass(frozen=True)
class Call:
    """A request to the hub as the scenario's user. Braces in `path` and `json` are filled from what was saved."""

    words: Words
    method: str
    path: str
    json: Mapping[str, Any] | None
    status: int
    save: str | None


@dataclass(frozen=True)
class Wait:
    words: Words
    seconds: float


class Subject(StrEnum):
    """What may be expected."""

    ALARM = "alarm"
    ORDER = "order"
    MESSAGE = "message"
    DEVICE = "device"


@dataclass(frozen=True)
class Expect:
    """That things matching `where` exist: `count` of them exactly, or else `at_least` so many.

    It must become true within `within_s` of the latest action's start, and stay true for `during_s`.
    """

    words: Words
    subject: Subject
    where: Mapping[str, Any]
    count: int | None
    at_least: int
    within_s: float
    during_s: float
    save: str | None


Step = StartFault | EndFaults | Chat | Call | Wait | Expect


@dataclass(frozen=True)
class Scenario:
    """`settle`: devices whose faults, alarms and open orders of earlier runs are ended first."""

    title: Words
    about: Words
    settle: tuple[str, ...]
    steps: tuple[Step, ...] = field(default_factory=tuple)

    def with_patience(self, factor: float) -> "Scenario":
        """The same with that many times its limits: for a machine too busy to judge how fast things happen."""
        steps = tuple(
            dataclasses.replace(step, within_s=step.within_s * factor) if isinstance(step, Chat | Expect) else step
            for step in self.steps
        )
        return dataclasses.replace(self, steps=steps)
