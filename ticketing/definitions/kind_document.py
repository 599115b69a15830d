"""A kind of order as a document: what may stand in it, and what makes one workable, pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kit.access import Role
from kit.i18n import Wording
from ticketing.definitions.documents import Checks, read
from ticketing.flow import Action, Flow, Hat
from ticketing.forms import FieldType, Form, FormField, Moment, Option
from ticketing.kinds import LOWEST_PRIORITY, SETTLED, Category, Channel, OrderState, Procedure
from ticketing.order_kind import Completion, Distribution, Intake, OrderKind, Topic

MOST_FIELDS = 60
MOST_TOPICS = 500
DEEPEST_TOPIC = 5
MOST_PHOTOS = 20


class OptionDocument(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    names: dict[str, str]


class FieldDocument(msgspec.Struct, forbid_unknown_fields=True):
    """`see` and `write`: roles; left out, everybody who may see the order."""

    key: str
    names: dict[str, str]
    type: FieldType
    required: Moment = Moment.NEVER
    see: list[Role] | None = None
    write: list[Role] | None = None
    options: list[OptionDocument] = []
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    many: bool = False


class TopicDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A node of the category tree; `category` and `priority` left out are its parent's."""

    code: str
    names: dict[str, str]
    category: Category | None = None
    priority: int | None = None
    children: "list[TopicDocument]" = []


class CompletionDocument(msgspec.Struct, forbid_unknown_fields=True):
    photos_before: int = 0
    photos_after: int = 0
    checklist: str | None = None
    labour: bool = False
    parts: bool = False
    signature: bool = False


class KindDocument(msgspec.Struct, forbid_unknown_fields=True):
    """See docs/ticketing.md, "Kinds"."""

    names: dict[str, str]
    flow: str
    procedure: Procedure = Procedure.REPAIR
    intake: Intake = Intake.DISPATCH
    dispatch: Distribution = Distribution.AUTO
    priority: int | None = None
    topics: list[TopicDocument] = []
    fields: list[FieldDocument] = []
    completion: CompletionDocument = msgspec.field(default_factory=CompletionDocument)
    for_owners: bool = False
    internal: bool = False
    channels: list[Channel] | None = None


def parse_kind(document: Mapping[str, Any], *, code: str, version: int) -> OrderKind:
    """The kind that a document means. Raises DocumentInvalid with everything that is wrong.

    Whether its flow exists and fits is asked by `check_flow`.
    """
    given = read(document, KindDocument)
    checks = Checks()
    _check(given, code, checks)
    checks.raise_if_any()
    return OrderKind(
        code=code,
        version=version,
        names=Wording(given.names),
        procedure=given.procedure,
        flow=given.flow,
        intake=given.intake,
        dispatch=given.dispatch,
        priority=given.priority,
        topics=tuple(_topic(one, Category.OTHER, None) for one in given.topics),
        form=Form(tuple(_field(one) for one in given.fields)),
        completion=Completion(**msgspec.structs.asdict(given.completion)),
        is_for_owners=given.for_owners,
        is_internal=given.internal,
        channels=frozenset(Channel if given.channels is None else given.channels),
    )


def check_flow(kind: OrderKind, flow: Flow) -> None:
    """Raises DocumentInvalid when the kind cannot take that flow."""
    checks = Checks()
    if kind.intake is Intake.ADMIT and flow.admission is None:
        checks.add("no_admission", kind=kind.code, flow=flow.code)
    finishing = [row for row in flow.transitions if flow.stage(row.after).state is OrderState.DONE]
    if kind.procedure is not Procedure.FEEDBACK:
        for row in finishing:
            if "closing_code" not in row.required:
                checks.add("required_missing", action=row.action, field="closing_code")
    if kind.procedure.is_life_safety:
        _check_takes_over(flow, checks)
    checks.raise_if_any()


def _check_takes_over(flow: Flow, checks: Checks) -> None:
    """An ordinary order may turn out to be a matter of life wherever it stands: the flow has a stage for each state of
    work under way, and the hub can give it out anew from each."""
    under_way = [state for state in OrderState if state not in SETTLED]
    known = {stage.code for stage in flow.stages}
    for state in under_way:
        if state.value not in known:
            checks.add("life_safety_stage", flow=flow.code, code=state.value)
            continue
        row = flow.find(state.value, Action.DISPATCH)
        if state is not OrderState.DONE and (row is None or Hat.SYSTEM not in row.hats):
            checks.add("hub_cannot", code=state.value, action=Action.DISPATCH.value)


def _check(given: KindDocument, code: str, checks: Checks) -> None:
    checks.code(code, where="code")
    checks.names(given.names, where="names")
    _check_priority(given.priority, "priority", checks)
    if given.procedure.is_life_safety and given.intake is Intake.ADMIT:
        checks.add("life_safety_waits")
    topics = list(_flat(given.topics))
    if len(given.fields) > MOST_FIELDS or len(topics) > MOST_TOPICS:
        checks.add("too_many", fields=MOST_FIELDS, topics=MOST_TOPICS)
    checks.unique((topic.code for _, topic in topics), where="topics")
    for depth, topic in topics:
        checks.code(topic.code, where="topics")
        checks.names(topic.names, where=topic.code)
        _check_priority(topic.priority, topic.code, checks)
        if depth > DEEPEST_TOPIC:
            checks.add("too_deep", code=topic.code, deepest=DEEPEST_TOPIC)
    checks.unique((one.key for one in given.fields), where="fields")
    for one in given.fields:
        _check_field(one, checks)
    for name in ("photos_before", "photos_after"):
        if not 0 <= getattr(given.completion, name) <= MOST_PHOTOS:
            checks.add("bad_number", where=name, low=0, high=MOST_PHOTOS)


def _check_priority(priority: int | None, where: str, checks: Checks) -> None:
    if priority is not None and not 1 <= priority <= LOWEST_PRIORITY:
        checks.add("bad_number", where=where, low=1, high=LOWEST_PRIORITY)


def _check_field(one: FieldDocument, checks: Checks) -> None:
    checks.code(one.key, where="fields")
    checks.names(one.names, where=one.key)
    is_choice = one.type is FieldType.CHOICE
    if is_choice is not bool(one.options):
        checks.add("options_wanted" if is_choice else "options_unwanted", field=one.key)
    checks.unique((option.code for option in one.options), where=one.key)
    for option in one.options:
        checks.code(option.code, where=one.key)
        checks.names(option.names, where=f"{one.key}.{option.code}")
    if one.type is not FieldType.NUMBER and (one.low, one.high, one.unit) != (None, None, None):
        checks.add("not_a_number", field=one.key)
    if one.low is not None and one.high is not None and one.low > one.high:
        checks.add("bad_number", where=one.key, low=one.low, high=one.high)
    if one.required is Moment.CREATION and one.type in (FieldType.PHOTO, FieldType.VIDEO):
        checks.add("photo_at_creation", field=one.key)
    if one.required is not Moment.NEVER and one.write == []:
        checks.add("nobody_writes", field=one.key)


def _flat(topics: Iterable[TopicDocument], depth: int = 1) -> Iterable[tuple[int, TopicDocument]]:
    for topic in topics:
        yield depth, topic
        yield from _flat(topic.children, depth + 1)


def _topic(given: TopicDocument, category: Category, priority: int | None) -> Topic:
    category, priority = given.category or category, given.priority or priority
    children = tuple(_topic(child, category, priority) for child in given.children)
    return Topic(given.code, Wording(given.names), category, priority, children)


def _field(given: FieldDocument) -> FormField:
    return FormField(
        key=given.key,
        names=Wording(given.names),
        type=given.type,
        required=given.required,
        see=frozenset(Role if given.see is None else {*given.see, Role.ADMIN}),
        write=frozenset(Role if given.write is None else {*given.write, Role.ADMIN}),
        options=tuple(Option(one.code, Wording(one.names)) for one in given.options),
        unit=given.unit,
        low=given.low,
        high=given.high,
        many=given.many,
    )
