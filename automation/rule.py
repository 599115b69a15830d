"""A rule on orders as data: when (trigger, condition, delay), then (actions). Read from JSON, checked whole. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from automation.condition import Condition, FactType, Field, parse, value_of
from automation.errors import RuleInvalid
from automation.vocabulary import Trigger, fields_of
from kit.i18n import Language
from ticketing.kinds import LOWEST_PRIORITY, Category

LONGEST_DELAY_MIN = 30 * 24 * 60
MAX_ACTIONS = 10
MAX_TEXT = 300

_KEYS = ("trigger", "condition", "delay_min", "actions")


class Recipient(StrEnum):
    """Whom a rule may tell, besides people by name. Never an owner: what owners hear is not for rules to say."""

    ASSIGNEE = "assignee"
    DUTY_MANAGER = "duty_manager"
    MANAGERS = "managers"
    PERSON = "person"


class ActionType(StrEnum):
    NOTIFY = "notify"
    ASSIGN = "assign"
    SET = "set"
    ESCALATE = "escalate"
    CREATE = "create"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Notify:
    to: Recipient
    person_id: UUID | None
    text: Mapping[str, str]
    is_urgent: bool = False


@dataclass(frozen=True)
class Assign:
    """`person_id` None: whoever the dispatch finds best."""

    person_id: UUID | None


@dataclass(frozen=True)
class SetPriority:
    priority: int


@dataclass(frozen=True)
class Escalate:
    reason: str


@dataclass(frozen=True)
class Create:
    """A further order about the same place, with these words."""

    category: Category
    text: str
    priority: int | None


@dataclass(frozen=True)
class CallWebhook:
    endpoint_id: UUID


Action = Notify | Assign | SetPriority | Escalate | Create | CallWebhook


@dataclass(frozen=True)
class Rule:
    """`delay_min`: minutes from the event until the condition is asked once more and the actions are done."""

    trigger: Trigger
    condition: Condition
    delay_min: float
    actions: tuple[Action, ...]

    @property
    def person_ids(self) -> frozenset[UUID]:
        """Everybody it names."""
        named = (one.person_id for one in self.actions if isinstance(one, Notify | Assign))
        return frozenset(one for one in named if one is not None)

    @property
    def endpoint_ids(self) -> frozenset[UUID]:
        return frozenset(one.endpoint_id for one in self.actions if isinstance(one, CallWebhook))


def read_rule(document: Mapping[str, Any]) -> Rule:
    """The rule of a document. Raises RuleInvalid, which names the first place that cannot be meant."""
    _check_letters(document)
    _only(document, _KEYS, where="")
    trigger = Trigger(_one_of(document.get("trigger"), Trigger, where="trigger"))
    delay = document.get("delay_min", 0)
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= LONGEST_DELAY_MIN:
        raise RuleInvalid(where="delay_min", problem="out_of_range", allowed=f"0…{LONGEST_DELAY_MIN}")
    return Rule(
        trigger=trigger,
        condition=parse(document.get("condition", {}), fields_of(trigger)),
        delay_min=float(delay),
        actions=tuple(_actions(document.get("actions"))),
    )


def _actions(raw: object) -> Sequence[Action]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not 0 < len(raw) <= MAX_ACTIONS:
        raise RuleInvalid(where="actions", problem="no_list", allowed=f"1…{MAX_ACTIONS}")
    return [_action(one, f"actions[{number}]") for number, one in enumerate(raw)]


def _action(raw: object, where: str) -> Action:
    if not isinstance(raw, Mapping):
        raise RuleInvalid(where=where, problem="no_object", allowed="{…}")
    kind = ActionType(_one_of(raw.get("do"), ActionType, where=f"{where}.do"))
    keys, read = _READERS[kind]
    _only(raw, ("do", *keys), where=where)
    return read(raw, where)


def _notify(raw: Mapping[str, Any], where: str) -> Action:
    to = Recipient(_one_of(raw.get("to"), Recipient, where=f"{where}.to"))
    person_id = _id(raw.get("person_id"), f"{where}.person_id") if to is Recipient.PERSON else None
    texts = raw.get("text")
    if isinstance(texts, str):
        texts = dict.fromkeys(Language, texts)
    if not isinstance(texts, Mapping) or set(texts) != set(Language):
        raise RuleInvalid(where=f"{where}.text", problem="no_object", allowed=", ".join(Language))
    said = {str(language): _text(words, f"{where}.text.{language}") for language, words in texts.items()}
    is_urgent = raw.get("is_urgent", False)
    value_of(is_urgent, Field(FactType.FLAG), f"{where}.is_urgent")
    return Notify(to, person_id, said, is_urgent)


def _assign(raw: Mapping[str, Any], where: str) -> Action:
    given = raw.get("person_id")
    return Assign(None if given is None else _id(given, f"{where}.person_id"))


def _set(raw: Mapping[str, Any], where: str) -> Action:
    priority = _priority(raw.get("priority"), f"{where}.priority")
    return SetPriority(priority)


def _escalate(raw: Mapping[str, Any], where: str) -> Action:
    return Escalate(_text(raw.get("reason"), f"{where}.reason"))


def _create(raw: Mapping[str, Any], where: str) -> Action:
    category = Category(_one_of(raw.get("category"), Category, where=f"{where}.category"))
    given = raw.get("priority")
    priority = None if given is None else _priority(given, f"{where}.priority")
    return Create(category, _text(raw.get("text"), f"{where}.text"), priority)


def _webhook(raw: Mapping[str, Any], where: str) -> Action:
    return CallWebhook(_id(raw.get("endpoint_id"), f"{where}.endpoint_id"))


_READERS: Mapping[ActionType, tuple[tuple[str, ...], Callable[[Mapping[str, Any], str], Action]]] = {
    ActionType.NOTIFY: (("to", "person_id", "text", "is_urgent"), _notify),
    ActionType.ASSIGN: (("person_id",), _assign),
    ActionType.SET: (("priority",), _set),
    ActionType.ESCALATE: (("reason",), _escalate),
    ActionType.CREATE: (("category", "text", "priority"), _create),
    ActionType.WEBHOOK: (("endpoint_id",), _webhook),
}


def _check_letters(document: Mapping[str, Any]) -> None:
    """What JSON can write and no database keep: NUL, half a letter, and trees without end."""
    try:
        words = json.dumps(document, ensure_ascii=False)
        words.encode()
    except (UnicodeEncodeError, RecursionError):
        raise RuleInvalid(where="document", problem="wrong_type", allowed="UTF-8") from None
    if "\\u0000" in words:
        raise RuleInvalid(where="document", problem="wrong_type", allowed="UTF-8")


def _only(raw: Mapping[str, Any], keys: Sequence[str], *, where: str) -> None:
    unknown = sorted(map(str, set(raw) - set(keys)))
    if unknown:
        place = f"{where}.{unknown[0]}" if where else unknown[0]
        raise RuleInvalid(where=place, problem="unknown", allowed=", ".join(keys))


def _one_of(given: object, words: type[StrEnum], *, where: str) -> str:
    if not isinstance(given, str) or given not in set(words):
        raise RuleInvalid(where=where, problem="unknown", allowed=", ".join(words))
    return given


def _text(given: object, where: str) -> str:
    if not isinstance(given, str) or not 0 < len(given.strip()) <= MAX_TEXT or "\x00" in given:
        raise RuleInvalid(where=where, problem="wrong_type", allowed=f"1…{MAX_TEXT}")
    return given.strip()


def _priority(given: object, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= LOWEST_PRIORITY:
        raise RuleInvalid(where=where, problem="out_of_range", allowed=f"1…{LOWEST_PRIORITY}")
    return given


def _id(given: object, where: str) -> UUID:
    return UUID(str(value_of(given, Field(FactType.ID), where)))
