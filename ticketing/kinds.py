"""The closed sets of work orders that code relies on. Their words are in `locales/`."""

from enum import StrEnum


class Procedure(StrEnum):
    """What a kind of order means to code: which tasks it begins with, who is qualified, and who may end it."""

    REPAIR = "repair"
    ENTRAPMENT = "entrapment"
    SMOKE = "smoke"
    FEEDBACK = "feedback"  # answered rather than repaired: no closing code, no proof

    @property
    def is_life_safety(self) -> bool:
        return self in (Procedure.ENTRAPMENT, Procedure.SMOKE)


class OrderState(StrEnum):
    NEW = "new"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    DONE = "done"
    VERIFIED = "verified"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


# The work is over: the incident is closed, nobody is chased, nothing counts as somebody's load.
SETTLED = frozenset({OrderState.VERIFIED, OrderState.CLOSED, OrderState.CANCELLED})
# Nobody has it.
FREE = frozenset({OrderState.NEW, OrderState.REOPENED})
# Somebody said yes and has not finished.
IN_HAND = frozenset(
    {OrderState.ACCEPTED, OrderState.EN_ROUTE, OrderState.ON_SITE, OrderState.IN_PROGRESS, OrderState.ON_HOLD}
)


class ClosingCode(StrEnum):
    """What it turned out to be. Passed to the alarms as their label, so that every rule is scored by its outcomes."""

    REAL_FAULT = "real_fault"
    FALSE_ALARM = "false_alarm"
    NO_FAULT_FOUND = "no_fault_found"
    DUPLICATE = "duplicate"
    MISUSE = "misuse"  # never shown to the owner
    TEST = "test"


class ChildrenFate(StrEnum):
    """What becomes of the orders under a root that is closed: they end with it, or go on by themselves."""

    CLOSE = "close"
    KEEP = "keep"


class Channel(StrEnum):
    """How an order or report came in."""

    SENSOR = "sensor"
    WECHAT = "wechat"
    PHONE = "phone"
    FRONT_DESK = "front_desk"
    CHAT_GROUP = "chat_group"
    QR = "qr"
    WEB = "web"
    STAFF = "staff"
    PLAN = "plan"


class Category(StrEnum):
    """What a report is about, when no sensor says it better."""

    ELEVATOR = "elevator"
    WATER_LEAK = "water_leak"
    NO_WATER = "no_water"
    DRAINAGE = "drainage"
    POWER = "power"
    LIGHTING = "lighting"
    DOOR_LOCK = "door_lock"
    NOISE = "noise"
    HYGIENE = "hygiene"
    PARKING = "parking"
    FIRE = "fire"
    GAS = "gas"
    INTERCOM = "intercom"
    HVAC = "hvac"
    METER = "meter"
    PUBLIC_AREA = "public_area"
    INQUIRY = "inquiry"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    OTHER = "other"


# What one person asks or complains of is their own: two of them at one place are not the same thing.
PERSONAL = frozenset({Category.INQUIRY, Category.COMPLAINT, Category.SUGGESTION, Category.OTHER})

LOWEST_PRIORITY = 4
_PRIORITIES = {
    Category.GAS: 1,
    Category.FIRE: 1,
    Category.ELEVATOR: 2,
    Category.WATER_LEAK: 2,
    Category.NO_WATER: 2,
    Category.POWER: 2,
    Category.INQUIRY: 4,
    Category.SUGGESTION: 4,
}


def priority_of(*, procedure: Procedure, category: Category) -> int:
    """How urgent a report is before anybody looked: 1 is the most."""
    return 1 if procedure.is_life_safety else _PRIORITIES.get(category, 3)


class TaskKind(StrEnum):
    """A parallel step of an order, each with a person and a time of its own."""

    INTERCOM = "intercom"
    REASSURE = "reassure"
    RELEASE = "release"
    RESCUE_HOTLINE = "rescue_hotline"
    CONFIRM_FIRE = "confirm_fire"
    CALL_FIRE_BRIGADE = "call_fire_brigade"
    SECURE = "secure"


class TaskState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    ON_SITE = "on_site"
    DONE = "done"
    CANCELLED = "cancelled"


class FireOutcome(StrEnum):
    """What the person sent to look found: 真火, 误报 or 测试."""

    REAL_FIRE = "real_fire"
    FALSE_ALARM = "false_alarm"
    TEST = "test"


class OwnerState(StrEnum):
    """The plain states an owner sees."""

    RECEIVED = "received"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @classmethod
    def of(cls, state: OrderState) -> "OwnerState":
        return _OWNER_STATES[state]


_OWNER_STATES = {
    OrderState.NEW: OwnerState.RECEIVED,
    OrderState.REOPENED: OwnerState.RECEIVED,
    OrderState.DISPATCHED: OwnerState.ASSIGNED,
    OrderState.ACCEPTED: OwnerState.ASSIGNED,
    OrderState.EN_ROUTE: OwnerState.ASSIGNED,
    OrderState.ON_SITE: OwnerState.IN_PROGRESS,
    OrderState.IN_PROGRESS: OwnerState.IN_PROGRESS,
    OrderState.ON_HOLD: OwnerState.IN_PROGRESS,
    OrderState.DONE: OwnerState.DONE,
    OrderState.VERIFIED: OwnerState.DONE,
    OrderState.CLOSED: OwnerState.CLOSED,
    OrderState.CANCELLED: OwnerState.CANCELLED,
}


# Fault modes that are not an ordinary repair, whoever noticed them.
_PROCEDURE_BY_FAULT_MODE = {"passenger_trapped": Procedure.ENTRAPMENT, "smoke_detected": Procedure.SMOKE}


def procedure_of(fault_mode: str | None) -> Procedure:
    """What the fault mode demands; an ordinary repair where it demands nothing."""
    return _PROCEDURE_BY_FAULT_MODE.get(fault_mode or "", Procedure.REPAIR)
