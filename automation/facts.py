"""Facts that conditions compare, from an order as it was or is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automation.condition import AllOf, AnyOf, Comparison, Condition, Fact, Facts, Not, as_fact, holds
from automation.vocabulary import ORDER_FIELDS, Trigger
from ticketing.kinds import SETTLED, OrderState
from ticketing.order_view import PastEntry, PastOrder

# What passes with time alone. With a delay, these are asked when it is over and not before.
OF_TIME = frozenset({"age_min", "response_late_min", "resolution_late_min"})
# What a timeline says it was before and after.
_REMEMBERED = ("state", "stage", "assignee_id", "priority", "closing_code")


def facts_of(values: Mapping[str, Any], event: Mapping[str, Fact], *, now: datetime) -> Facts:
    """`values` of `OrderView`; `event` by the names of EVENT_FIELDS."""
    facts = {name: as_fact(values.get(name)) for name in ORDER_FIELDS if name not in OF_TIME}
    answered, over = values.get("responded_at"), values.get("done_at") or values.get("held_since")
    facts["age_min"] = _minutes(values["opened_at"], now)
    facts["response_late_min"] = _minutes(values["response_due_at"], min(answered or now, now))
    facts["resolution_late_min"] = _minutes(values["resolution_due_at"], min(over or now, now))
    return {**facts, **event}


def could_hold(condition: Condition, facts: Facts) -> bool:
    """Whether it may hold once time has passed: whatever depends on time alone may still become either."""
    return True in _possible(condition, facts)


@dataclass(frozen=True)
class Occurrence:
    """Something that happened to an order and may set a rule off."""

    trigger: Trigger
    at: datetime
    event: Mapping[str, Fact]


def occurrences(order: PastOrder) -> list[Occurrence]:
    """What of an order's timeline sets rules off. Ratings and proofs are not on it."""
    return [found for entry in order.entries for found in _occurrences(entry)]


def values_at(order: PastOrder, moment: datetime) -> Mapping[str, Any]:
    """The order's values as they were then: what the timeline remembers undone, moments yet to come unknown."""
    values = dict(order.view.values)
    for entry in reversed(order.entries):
        if entry.at <= moment:
            break
        values |= {name: _restored(name, entry.before[name]) for name in _REMEMBERED if name in entry.before}
    for name in ("responded_at", "held_since", "done_at", "settled_at"):
        if values.get(name) is not None and values[name] > moment:
            values[name] = None
    state = OrderState(values["state"])
    return values | {"is_open": state not in SETTLED and state is not OrderState.DONE}


def event_of_escalation(reason: str) -> tuple[Trigger, ...]:
    """A time that has passed is both an escalation and overdue."""
    return (Trigger.ESCALATED, Trigger.OVERDUE) if "overdue" in reason else (Trigger.ESCALATED,)


def _occurrences(entry: PastEntry) -> Sequence[Occurrence]:
    match entry.what:
        case "opened":
            return [Occurrence(Trigger.OPENED, entry.at, {})]
        case "report_joined" | "alarm_joined":
            return [Occurrence(Trigger.JOINED, entry.at, {"event.by_alarm": entry.what == "alarm_joined"})]
        case "moved":
            before = entry.before.get("state")
            said = {
                "event.action": entry.after.get("action"), "event.before": before,
                "event.after": entry.after.get("state", before),
            }  # fmt: skip
            return [Occurrence(Trigger.MOVED, entry.at, said)]
        case "escalated" | "nobody_found":
            reason = str(entry.after.get("reason", entry.what))
            return [Occurrence(one, entry.at, {"event.reason": reason}) for one in event_of_escalation(reason)]
        case _:
            return []


def _possible(condition: Condition, facts: Facts) -> frozenset[bool]:
    match condition:
        case Comparison(field) if field in OF_TIME:
            return frozenset({True, False})
        case Comparison():
            return frozenset({holds(condition, facts)})
        case Not(of):
            return frozenset(not one for one in _possible(of, facts))
        case AllOf(of):
            parts = [_possible(one, facts) for one in of]
            can = {True} if all(True in one for one in parts) else set()
            return frozenset(can | ({False} if any(False in one for one in parts) else set()))
        case AnyOf(of):
            parts = [_possible(one, facts) for one in of]
            can = {True} if any(True in one for one in parts) else set()
            return frozenset(can | ({False} if all(False in one for one in parts) else set()))


def _restored(name: str, value: Any) -> Any:
    return float(value) if name == "priority" and value is not None else value


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60
