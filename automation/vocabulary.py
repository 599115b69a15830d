"""What rules on orders may speak of: the events that wake them and the facts their conditions compare. Pure tables."""

from collections.abc import Mapping
from enum import StrEnum

from automation.condition import FactType, Field
from ticketing.kinds import ClosingCode, OrderState


class Trigger(StrEnum):
    """What happened to an order. A rule waits for one of them."""

    OPENED = "opened"
    JOINED = "joined"
    MOVED = "moved"
    ESCALATED = "escalated"
    OVERDUE = "overdue"  # the escalations that say that a time has passed
    RATED = "rated"
    PROVED = "proved"  # what telemetry says of work that was said to be done


_WORD, _NUMBER, _FLAG, _ID, _TEXT = (
    Field(FactType.WORD), Field(FactType.NUMBER), Field(FactType.FLAG), Field(FactType.ID), Field(FactType.TEXT),
)  # fmt: skip
_STATE = Field(FactType.WORD, frozenset(OrderState))

# Of the order as it is when the condition is asked.
ORDER_FIELDS: Mapping[str, Field] = {
    "number": _TEXT,
    "kind": _WORD,
    "procedure": _WORD,
    "category": _WORD,
    "topic": _WORD,
    "channel": _WORD,
    "state": _STATE,
    "stage": _WORD,
    "priority": _NUMBER,
    "place": _TEXT,
    "building_id": _ID,
    "equipment_id": _ID,
    "equipment_kind": _WORD,
    "equipment_code": _TEXT,
    "fault_mode": _WORD,
    "assignee_id": _ID,
    "is_life_safety": _FLAG,
    "is_repeat": _FLAG,
    "is_open": _FLAG,
    "attempt": _NUMBER,
    "urges": _NUMBER,
    "cost": _NUMBER,
    "payer": _WORD,
    "proof": _WORD,
    "closing_code": Field(FactType.WORD, frozenset(ClosingCode)),
    "age_min": _NUMBER,
    "response_late_min": _NUMBER,
    "resolution_late_min": _NUMBER,
}

# Of the event itself, by trigger.
EVENT_FIELDS: Mapping[Trigger, Mapping[str, Field]] = {
    Trigger.OPENED: {},
    Trigger.JOINED: {"event.by_alarm": _FLAG},
    Trigger.MOVED: {"event.action": _WORD, "event.before": _STATE, "event.after": _STATE},
    Trigger.ESCALATED: {"event.reason": _WORD},
    Trigger.OVERDUE: {"event.reason": _WORD},
    Trigger.RATED: {
        "event.speed": _NUMBER, "event.attitude": _NUMBER, "event.quality": _NUMBER, "event.lowest": _NUMBER,
    },
    Trigger.PROVED: {"event.verdict": _WORD},
}  # fmt: skip


def fields_of(trigger: Trigger) -> Mapping[str, Field]:
    return {**ORDER_FIELDS, **EVENT_FIELDS[trigger]}
