"""A kind of order, pure: what it means to code, which flow it takes, what it asks for. Kinds are data, versioned."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from kit.i18n import Wording
from ticketing.forms import Form
from ticketing.kinds import Category, Channel, Procedure


class Intake(StrEnum):
    """How an order of a kind begins."""

    DISPATCH = "dispatch"  # given out at once
    ADMIT = "admit"  # customer service looks at it first (客服受理)


class Distribution(StrEnum):
    """How an order of a kind finds its person."""

    AUTO = "auto"
    GRAB = "grab"
    ROTATE = "rotate"
    MANUAL = "manual"


@dataclass(frozen=True)
class Topic:
    """A node of a kind's category tree. `category` is what it means to code, `priority` what it suggests."""

    code: str
    names: Wording
    category: Category
    priority: int | None = None
    children: "tuple[Topic, ...]" = ()

    def walk(self) -> "Iterator[Topic]":
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Completion:
    """What must be there before an order of a kind is done, besides its form."""

    photos_before: int = 0
    photos_after: int = 0
    checklist: str | None = None
    labour: bool = False
    parts: bool = False
    signature: bool = False


@dataclass(frozen=True)
class OrderKind:
    """A version of a kind. `is_for_owners`: owners may choose it; `is_internal`: only the hub opens such orders."""

    code: str
    version: int
    names: Wording
    procedure: Procedure
    flow: str
    intake: Intake = Intake.DISPATCH
    dispatch: Distribution = Distribution.AUTO
    priority: int | None = None
    topics: tuple[Topic, ...] = ()
    form: Form = field(default_factory=Form)
    completion: Completion = Completion()
    is_for_owners: bool = False
    is_internal: bool = False
    channels: frozenset[Channel] = frozenset(Channel)

    def topic(self, code: str) -> Topic | None:
        return next((one for root in self.topics for one in root.walk() if one.code == code), None)
