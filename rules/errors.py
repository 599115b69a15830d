"""Why a rule is refused. Every refusal of a text says where (`column`, 1-based) and what would be right."""

from dataclasses import dataclass

from kit.errors import DomainError, StaleEdit


@dataclass(eq=False)
class ExpressionError(DomainError):
    """Base of what can be wrong with an expression. `column` is that of its first character, counted from 1."""

    column: int


@dataclass(eq=False)
class ExpressionEmpty(ExpressionError):
    """Nothing to judge by."""


@dataclass(eq=False)
class ExpressionTooLong(ExpressionError):
    limit: int


@dataclass(eq=False)
class ExpressionTooDeep(ExpressionError):
    """Nested deeper, or made of more parts, than anybody can read."""

    limit: int


@dataclass(eq=False)
class ExpressionUnreadable(ExpressionError):
    """Not an expression: something is missing or too much at the column."""

    near: str


@dataclass(eq=False)
class SignNotUnderstood(ExpressionError):
    """A sign of another language or keyboard; `instead` is ours for it."""

    found: str
    instead: str


@dataclass(eq=False)
class UnitWritten(ExpressionError):
    """A number with its unit; `number` is what is to be written."""

    found: str
    number: str


@dataclass(eq=False)
class DivisorIsZero(ExpressionError):
    """What is divided by 0 is never known, so the condition would never hold."""


@dataclass(eq=False)
class NotInLanguage(ExpressionError):
    """Valid elsewhere, but rules neither need nor allow it."""

    found: str


@dataclass(eq=False)
class UnknownName(ExpressionError):
    """Neither a point of the equipment nor a parameter of the rule."""

    name: str
    known: str


@dataclass(eq=False)
class MisspelledName(UnknownName):
    """An unknown name that is nearly a known one."""

    suggestion: str


@dataclass(eq=False)
class UnknownFunction(ExpressionError):
    name: str
    known: str


@dataclass(eq=False)
class WrongArguments(ExpressionError):
    """A function was given too few or too many arguments."""

    name: str
    expected: str


@dataclass(eq=False)
class WindowExpected(ExpressionError):
    """A function over time was not given a point and a length of time."""

    name: str


@dataclass(eq=False)
class PointExpected(ExpressionError):
    """A function of a point's past was given something else than one point."""

    name: str


@dataclass(eq=False)
class WindowUnreadable(ExpressionError):
    """A text that is no length of time."""

    found: str


@dataclass(eq=False)
class WindowTooShort(ExpressionError):
    """Shorter than the point's interval: most of the time no reading would be in it."""

    point: str
    shortest_s: int


@dataclass(eq=False)
class WindowTooLong(ExpressionError):
    """More readings of the point than are kept in memory."""

    point: str
    longest_s: int


@dataclass(eq=False)
class TooManyWindows(ExpressionError):
    limit: int


@dataclass(eq=False)
class UnknownSchedule(ExpressionError):
    """The rule has no schedule of that name."""

    name: str
    known: str


@dataclass(eq=False)
class ScheduleExpected(ExpressionError):
    """`in_schedule` takes the name of one schedule, and stands outside of `count`."""

    known: str


@dataclass(eq=False)
class NotInCount(ExpressionError):
    """Inside `count` each reading is looked at by itself: no further windows there."""

    name: str


@dataclass(eq=False)
class OnePointCounted(ExpressionError):
    """`count` goes over the readings of one point."""


@dataclass(eq=False)
class OnePointRepeats(ExpressionError):
    """What `repeats` is a condition on the value of one point."""


@dataclass(eq=False)
class AgeNotCompared(ExpressionError):
    """An age grows by itself; when a condition on it turns is only known where it is compared directly."""


@dataclass(eq=False)
class UnitsDisagree(ExpressionError):
    """Numbers of different units are compared or added."""

    left: str
    right: str


@dataclass(eq=False)
class NumberExpected(ExpressionError):
    """A condition stands where a number is needed."""


@dataclass(eq=False)
class ConditionExpected(ExpressionError):
    """A number stands where a condition is needed."""


@dataclass(eq=False)
class NumberTooLarge(ExpressionError):
    """Not a number that can be computed with."""


@dataclass(eq=False)
class NoPointUsed(ExpressionError):
    """A condition that depends on nothing measured would always or never hold."""


@dataclass(eq=False)
class OrdinaryPointInLifeSafetyRule(ExpressionError):
    """Life-safety rules wait for nothing, so they use points of the life-safety line only."""

    name: str
    known: str


@dataclass(eq=False)
class LifeSafetyPointInOrdinaryRule(ExpressionError):
    """Life-safety points come by a line of their own, which ordinary rules do not see."""

    name: str
    known: str


@dataclass(eq=False)
class AnotherExpected(ExpressionError):
    """A point of other equipment is written in one of two ways."""

    found: str


@dataclass(eq=False)
class NoParent(ExpressionError):
    """The equipment stands under none."""


@dataclass(eq=False)
class UnknownOther(ExpressionError):
    """The site has no equipment of that code."""

    other: str
    known: str


@dataclass(eq=False)
class UnknownPointOfOther(ExpressionError):
    """The other equipment (`of`) has no such point."""

    of: str
    name: str
    known: str


@dataclass(eq=False)
class OtherInAnotherBuilding(ExpressionError):
    """What stands in different partitions is judged by different judges, which do not hear each other's readings."""

    of: str
    equipment: str
    other: str


@dataclass(eq=False)
class OtherOutOfService(DomainError):
    """What is out of service is read, and not judged by."""

    of: str
    other: str


@dataclass(eq=False)
class RuleNotFound(DomainError):
    rule: str


@dataclass(eq=False)
class RuleExists(DomainError):
    rule: str


@dataclass(eq=False)
class RuleChangedMeanwhile(StaleEdit):
    """Somebody else saved the rule since the caller read it."""

    rule: str


@dataclass(eq=False)
class RuleOfOtherRelease(DomainError):
    """What is kept of the rule has the shape of another release and is no rule in this one: nobody judges by it."""

    rule: str


@dataclass(eq=False)
class RuleKeyFixed(DomainError):
    """A rule's key is the identity of its alarms and never changes."""

    rule: str


@dataclass(eq=False)
class UnknownProfile(DomainError):
    profile: str
    known: str


@dataclass(eq=False)
class RuleFitsNoEquipment(DomainError):
    """None of the device profiles of that kind can be judged by this rule."""

    kind: str


@dataclass(eq=False)
class UnknownRuleEquipment(DomainError):
    """A rule names equipment that is not there, not of its kind, or not at a site of the caller."""

    equipment: str


@dataclass(eq=False)
class UnknownRuleSite(DomainError):
    """A rule for a site that has no equipment to judge."""

    site: str


@dataclass(eq=False)
class UnknownParameter(DomainError):
    """A threshold of one equipment for a parameter that the rule does not have."""

    name: str
    known: str


@dataclass(eq=False)
class ParameterIsPoint(DomainError):
    """A parameter with the name of a point would hide it: the condition would look at a constant."""

    name: str


@dataclass(eq=False)
class SilenceTooShort(DomainError):
    """Whoever reports more rarely than that is always silent."""

    missing: str
    shortest_s: int


@dataclass(eq=False)
class BadMessage(DomainError):
    """A message names something in braces that the rule does not know."""

    name: str
    known: str


@dataclass(eq=False)
class CompanyRule(DomainError):
    """A rule for every site may only be changed by somebody who answers for every site."""

    rule: str


@dataclass(eq=False)
class UnknownRuleSort(DomainError):
    field: str
    known: str
