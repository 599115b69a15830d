"""Kinds and flows on the wire: what they mean, and the documents they are saved as."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from kit.access import Role
from kit.http import Schema
from ticketing.definitions.book import Saved
from ticketing.definitions.repository import Row
from ticketing.flow import Effect, Flow, Guard, Hat, WaitsFor
from ticketing.forms import FieldType, FormField, Moment
from ticketing.kinds import Category, Channel, OrderState, Procedure
from ticketing.order_kind import Distribution, Intake, OrderKind, Topic

Names = Annotated[dict[str, str], Field(description="by language")]


class OptionOut(Schema):
    code: str
    names: Names


class FieldOut(Schema):
    """A field of a form, as far as the caller may see it. `may_write`: whether they may fill it in."""

    key: str
    names: Names
    type: FieldType
    required: Moment
    options: list[OptionOut]
    unit: str | None
    low: float | None
    high: float | None
    many: bool
    may_write: bool

    @classmethod
    def of(cls, field: FormField, roles: frozenset[Role]) -> "FieldOut":
        plain = {name: getattr(field, name) for name in cls.model_fields if hasattr(field, name)}
        return cls.model_validate(plain | {"may_write": bool(field.write & roles)})


class TopicOut(Schema):
    """A node of a category tree."""

    code: str
    names: Names
    category: Category
    priority: int | None
    children: "list[TopicOut]"

    @classmethod
    def of(cls, topic: Topic) -> "TopicOut":
        return cls.model_validate(topic)


class CompletionOut(Schema):
    """What must be there before such an order is done, besides its form."""

    photos_before: int
    photos_after: int
    checklist: str | None
    labour: bool
    parts: bool
    signature: bool


class OrderKindOut(Schema):
    """A kind of order: what to ask when one is opened. `is_internal`: only the hub opens such orders."""

    code: str
    version: int
    names: Names
    procedure: Procedure
    flow: str
    intake: Intake
    dispatch: Distribution
    priority: int | None
    topics: list[TopicOut]
    fields: list[FieldOut]
    completion: CompletionOut
    is_for_owners: bool
    is_internal: bool
    channels: list[Channel]

    @classmethod
    def of(cls, kind: OrderKind, roles: frozenset[Role]) -> "OrderKindOut":
        plain = {name: getattr(kind, name) for name in cls.model_fields if hasattr(kind, name)}
        return cls.model_validate(
            plain
            | {
                "topics": [TopicOut.of(topic) for topic in kind.topics],
                "fields": [FieldOut.of(field, roles) for field in kind.form.fields if field.see & roles],
                "channels": sorted(kind.channels),
            }
        )


class StageOut(Schema):
    code: str
    state: OrderState
    names: Names | None
    waits_for: WaitsFor | None


class FlowTransitionOut(Schema):
    """One way from a stage to another: whose it is, what must be said, what must hold, what follows."""

    action: str
    before: str
    after: str
    hats: list[Hat]
    required: list[str]
    guards: list[Guard]
    effects: list[Effect]


class FlowOut(Schema):
    """A flow: the first stage is where orders begin; `actions` are the words of its own actions."""

    code: str
    version: int
    names: Names
    stages: list[StageOut]
    transitions: list[FlowTransitionOut]
    admission: str | None
    reopen_days: float
    actions: dict[str, Names]

    @classmethod
    def of(cls, flow: Flow) -> "FlowOut":
        rows = [FlowTransitionOut.model_validate({**vars(row), "hats": sorted(row.hats)}) for row in flow.transitions]
        plain = {name: getattr(flow, name) for name in cls.model_fields if name != "transitions"}
        return cls.model_validate(plain | {"transitions": rows})


class DocumentOut(Schema):
    """A version as it was saved. `is_shipped`: it came with the hub."""

    version: int
    document: dict[str, Any]
    is_shipped: bool

    @classmethod
    def of(cls, version: int, document: Mapping[str, Any], by: UUID | None) -> "DocumentOut":
        return cls(version=version, document=dict(document), is_shipped=by is None)


class OrderKindDocumentOut(DocumentOut):
    """A kind and the document it was read from, to be edited."""

    kind: OrderKindOut

    @classmethod
    def of_saved(cls, saved: Saved[OrderKind], roles: frozenset[Role]) -> "OrderKindDocumentOut":
        return cls(
            version=saved.meaning.version, document=dict(saved.document), is_shipped=saved.by is None,
            kind=OrderKindOut.of(saved.meaning, roles),
        )  # fmt: skip


class FlowDocumentOut(DocumentOut):
    """A flow and the document it was read from, to be edited."""

    flow: FlowOut

    @classmethod
    def of_saved(cls, saved: Saved[Flow]) -> "FlowDocumentOut":
        return cls(
            version=saved.meaning.version, document=dict(saved.document), is_shipped=saved.by is None,
            flow=FlowOut.of(saved.meaning),
        )  # fmt: skip


class DefinitionVersionOut(Schema):
    """When a version was saved, and by whom; by nobody: it came with the hub."""

    version: int
    document: dict[str, Any]
    saved_at: datetime
    saved_by: UUID | None

    @classmethod
    def of(cls, row: Row) -> "DefinitionVersionOut":
        return cls.model_validate(row)


class DocumentIn(Schema):
    """A new version. `version`: the one that was edited, left out for a new code. See docs/ticketing.md."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "document": {
                        "names": {"zh-CN": "装修巡查", "en": "Decoration check"},
                        "flow": "repair",
                        "fields": [
                            {
                                "key": "permit_no",
                                "names": {"zh-CN": "装修许可证号", "en": "Permit number"},
                                "type": "text",
                                "required": "creation",
                            }
                        ],
                    },
                }
            ]
        }
    )

    version: Annotated[int | None, Field(ge=1)] = None
    document: dict[str, Any]
