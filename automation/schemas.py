"""Rules, firings and webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from automation.condition import OPERATORS, FactType, Operator
from automation.editing import Rehearsal, WouldFire
from automation.firing import FiringState
from automation.models import RuleFiring, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from automation.repository import Versioned
from automation.rule import ActionType, Recipient
from automation.schedule import DeliveryState
from automation.vocabulary import EVENT_FIELDS, ORDER_FIELDS, Trigger
from automation.webhooks import Shown
from catalog.foreign_text import Line, Name
from kit.http import Schema

DOCUMENT: dict[str, Any] = {
    "trigger": "moved",
    "condition": {
        "all": [
            {"field": "event.after", "operator": "==", "value": "on_hold"},
            {"field": "priority", "operator": "<=", "value": 2},
        ]
    },
    "delay_min": 120,
    "actions": [
        {"do": "notify", "to": "duty_manager", "text": {"zh-CN": "挂起已两小时", "en": "On hold for two hours"}}
    ],
}
_ID = "0199d5a0-7c1e-7a11-8f00-0a1b2c3d4e5f"
_Document = Annotated[
    dict[str, Any],
    Field(description="trigger, condition, delay_min, actions; docs/automation.md", examples=[DOCUMENT]),
]  # fmt: skip


class OrderRuleIn(Schema):
    """`site_id` null: at every site."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_id": _ID, "name": "挂起过久", "document": DOCUMENT, "is_enabled": True}]}
    )

    site_id: UUID | None = None
    name: Name
    document: _Document
    is_enabled: bool = True


class OrderRuleEditIn(Schema):
    """`version`: the one that was seen; a newer one refuses."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "挂起过久", "document": DOCUMENT, "version": 1}]}
    )  # fmt: skip

    name: Name
    document: _Document
    version: int = Field(ge=1, le=1_000_000)


class SwitchIn(Schema):
    """`version`: the one that was seen; a newer one refuses, for it may do something else."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": False, "version": 1}]})

    is_enabled: bool
    version: Annotated[int | None, Field(ge=1)] = None


class OrderRuleVersionOut(Schema):
    version: int
    document: dict[str, Any]
    saved_at: datetime
    saved_by: UUID | None


class OrderRuleOut(Schema):
    id: UUID
    site_id: UUID | None
    name: str
    is_enabled: bool
    version: int
    document: dict[str, Any]
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, found: Versioned) -> Self:
        own = {name: getattr(found.rule, name) for name in cls.model_fields if hasattr(found.rule, name)}
        return cls.model_validate(own | {"document": found.said.document})


class RehearsalIn(Schema):
    """Orders opened in that time, the newest `limit` of them, are looked at."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": _ID, "document": DOCUMENT, "since": "2026-11-01T00:00:00+08:00",
                    "until": "2026-11-22T00:00:00+08:00", "limit": 500,
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID | None = None
    document: _Document
    since: AwareDatetime
    until: AwareDatetime
    limit: int = Field(default=500, ge=1, le=2_000)


class WouldFireOut(Schema):
    """`happened_at` and `fires_at` of the first time."""

    work_order_id: UUID
    number: str
    place: str
    happened_at: datetime
    fires_at: datetime
    times: int

    @classmethod
    def of(cls, one: WouldFire) -> Self:
        return cls(
            work_order_id=one.order.id, number=one.order.number, place=one.order.place,
            happened_at=one.occurrence.at, fires_at=one.fires_at, times=one.times,
        )  # fmt: skip


class RehearsalOut(Schema):
    """`orders`: how many were looked at; `firings`: how often the rule would have fired in all."""

    orders: int
    firings: int
    items: list[WouldFireOut]

    @classmethod
    def of(cls, done: Rehearsal) -> Self:
        items = [WouldFireOut.of(one) for one in done.found]
        return cls(orders=done.orders, firings=done.firings, items=items)


class FiringOut(Schema):
    """`outcomes`: one an action, or why nothing was done. `causes`: rules whose actions led to it, oldest first."""

    id: UUID
    site_id: UUID
    rule_id: UUID
    rule_version: int
    work_order_id: UUID
    trigger: Trigger
    event_facts: dict[str, Any]
    causes: list[str]
    state: FiringState
    happened_at: datetime
    due_at: datetime
    ended_at: datetime | None
    outcomes: list[dict[str, Any]]

    @classmethod
    def of(cls, firing: RuleFiring) -> Self:
        return cls.model_validate(firing)


class RuleFieldOut(Schema):
    """`words`: all there are; empty where any code may stand."""

    name: str
    type: FactType
    operators: list[Operator]
    words: list[str]


class RuleVocabularyOut(Schema):
    """What a rule may be made of."""

    triggers: dict[Trigger, list[RuleFieldOut]]
    order_fields: list[RuleFieldOut]
    actions: list[ActionType]
    recipients: list[Recipient]

    @classmethod
    def whole(cls) -> Self:
        def fields(known: Any) -> list[RuleFieldOut]:
            return [
                RuleFieldOut(
                    name=name, type=one.type, operators=list(OPERATORS[one.type]), words=sorted(one.words)
                ) for name, one in known.items()
            ]  # fmt: skip

        return cls(
            triggers={trigger: fields(known) for trigger, known in EVENT_FIELDS.items()},
            order_fields=fields(ORDER_FIELDS), actions=list(ActionType), recipients=list(Recipient),
        )  # fmt: skip


# --- webhooks ------------------------------------------------------------------------------------------------------


class EndpointIn(Schema):
    """`site_id` null: for rules of every site."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_id": _ID, "name": "集团平台", "url": "https://ops.example.com/hooks"}]}
    )

    site_id: UUID | None = None
    name: Name
    url: Line = Field(min_length=1)


class EndpointEditIn(Schema):
    """What is left out stays. `version`: the one that was seen; a newer one refuses."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": False, "version": 1}]})

    name: Name | None = None
    url: Line | None = None
    is_enabled: bool | None = None
    version: Annotated[int | None, Field(ge=1)] = None


class PingIn(Schema):
    """`site_id`: under which site the test is logged."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"site_id": _ID}]})

    site_id: UUID


class EndpointOut(Schema):
    id: UUID
    site_id: UUID | None
    name: str
    url: str
    is_enabled: bool
    previous_until: datetime | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        return cls.model_validate(endpoint)


class EndpointSecretOut(EndpointOut):
    """The secret is shown this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])

    @classmethod
    def shown(cls, shown: Shown) -> Self:
        own = EndpointOut.of(shown.endpoint).model_dump()
        return cls(**own, secret=shown.secret)


class AttemptOut(Schema):
    """`error` empty: the receiver has it. `answer`: the beginning of what it said."""

    at: datetime
    took_ms: int
    address: str
    status: int | None
    error: str
    answer: str


class DeliveryOut(Schema):
    id: UUID
    site_id: UUID
    endpoint_id: UUID
    firing_id: UUID | None
    work_order_id: UUID | None
    message_id: str
    type: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> Self:
        return cls.model_validate(delivery)


class DeliveryDetailOut(DeliveryOut):
    """A delivery with what is sent and every attempt, oldest first."""

    body: str
    log: list[AttemptOut]

    @classmethod
    def whole(cls, delivery: WebhookDelivery, attempts: list[WebhookAttempt]) -> Self:
        own = DeliveryOut.of(delivery).model_dump()
        return cls(**own, body=delivery.body, log=[AttemptOut.model_validate(one) for one in attempts])


class QueuedOut(Schema):
    delivery_id: UUID
