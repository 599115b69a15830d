"""Why a simulator refuses something. Texts: `simulators/locales`."""

from dataclasses import dataclass

from kit.errors import DomainError


@dataclass(eq=False)
class UnknownFault(DomainError):
    name: str
    known: str


@dataclass(eq=False)
class UnknownDevice(DomainError):
    """`hint`: codes that look alike, or else what codes look like here."""

    device: str
    hint: str


@dataclass(eq=False)
class FaultDoesNotFit(DomainError):
    """A fault of another kind of device."""

    name: str
    device: str
    kind: str
    known: str


@dataclass(eq=False)
class BadFaultParameter(DomainError):
    name: str
    parameter: str
    expected: str


@dataclass(eq=False)
class FaultNotFound(DomainError):
    fault_id: str


@dataclass(eq=False)
class BadDuration(DomainError):
    text: str


@dataclass(eq=False)
class BadScenario(DomainError):
    """A scenario file that cannot be run; `place` is the step (counted from 1) or key."""

    place: str
    problem: str


@dataclass(eq=False)
class BadFaultPlan(DomainError):
    """A plan of faults that cannot be followed; `place` is the fault, counted from 1."""

    place: str
    problem: str


@dataclass(eq=False)
class UnknownMessage(DomainError):
    message_id: str


@dataclass(eq=False)
class UnknownFailure(DomainError):
    failure_id: str


@dataclass(eq=False)
class ScenarioCannotGoOn(DomainError):
    """The hub, the simulator or the platform does not answer, or refuses what the scenario needs."""

    problem: str
