"""Scenario files, checked before anything is started: unknown keys, missing keys and wrong types name their step."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kit.i18n import Language
from simulators.durations import seconds
from simulators.errors import BadDuration, BadScenario, UnknownFault
from simulators.faults.catalog import fault_kind
from simulators.scenario.steps import Call, Chat, EndFaults, Expect, Scenario, StartFault, Step, Subject, Wait, Words

REPLY_WITHIN = "5s"  # what WeChat allows
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TOP = {"title", "about", "settle", "step"}


def read_scenario(file: Path) -> Scenario:
    """Raises BadScenario."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadScenario(str(file), error.strerror or str(error)) from None
    except ValueError as error:
        raise BadScenario(str(file), str(error)) from None
    return parse_scenario(raw)


def parse_scenario(raw: Mapping[str, Any]) -> Scenario:
    """Raises BadScenario."""
    if unknown := raw.keys() - _TOP:
        raise BadScenario(", ".join(sorted(unknown)), f"unknown key; known are {', '.join(sorted(_TOP))}")
    steps = raw.get("step")
    if not isinstance(steps, list) or not steps:
        raise BadScenario("step", "a scenario has steps, each under [[step]]")
    settle = raw.get("settle", [])
    if not isinstance(settle, list) or not all(isinstance(code, str) for code in settle):
        raise BadScenario("settle", "a list of equipment codes")
    if "title" not in raw:
        raise BadScenario("title", "is missing")
    return Scenario(
        title=_words("title", raw["title"]),
        about=_words("about", raw.get("about", "")),
        settle=tuple(settle),
        steps=tuple(_step(number, step) for number, step in enumerate(steps, start=1)),
    )


def _step(number: int, raw: Any) -> Step:
    place = f"step {number}"
    if not isinstance(raw, Mapping):
        raise BadScenario(place, "is no table")
    kinds = [kind for kind in _PARSERS if kind in raw]
    if len(kinds) != 1:
        raise BadScenario(place, f"has exactly one of {', '.join(_PARSERS)}")
    keys = _Keys(place, raw)
    step = _PARSERS[kinds[0]](keys)
    keys.refuse_rest()
    return step


class _Keys:
    """The keys of one step, read one by one; what nobody read is refused in the end."""

    def __init__(self, place: str, raw: Mapping[str, Any]) -> None:
        self._place = place
        self._raw = raw
        self._read = {"name"}
        self.words = _words(f"{place}, name", raw.get("name", ""))

    def text(self, key: str) -> str:
        value = self.optional(key)
        if not value:
            raise self.wrong(key, "is missing")
        return value

    def optional(self, key: str) -> str | None:
        value = self._take(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "must be a text")
        return value

    def table(self, key: str) -> Mapping[str, Any] | None:
        value = self._take(key)
        if value is not None and not isinstance(value, Mapping):
            raise self.wrong(key, "must be a table")
        return value

    def integer(self, key: str) -> int | None:
        value = self._take(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self.wrong(key, "must be a whole number, 0 or more")
        return value

    def duration_s(self, key: str, *, default: str | None = None) -> float:
        value = self._take(key)
        value = default if value is None else value
        if value is None:
            raise self.wrong(key, "is missing")
        try:
            return seconds(value)
        except BadDuration:
            raise self.wrong(key, f"{value} is no duration; write 500ms, 90s or 10m") from None

    def wrong(self, key: str, problem: str) -> BadScenario:
        return BadScenario(f"{self._place}, {key}", problem)

    def refuse_rest(self) -> None:
        if unknown := self._raw.keys() - self._read:
            problem = f"unknown key; known here are {', '.join(sorted(self._read))}"
            raise BadScenario(f"{self._place}, {', '.join(sorted(unknown))}", problem)

    def _take(self, key: str) -> Any:
        self._read.add(key)
        return self._raw.get(key)


def _start_fault(keys: _Keys) -> StartFault:
    name = keys.text("fault")
    try:
        kind = fault_kind(name)
    except UnknownFault as error:
        raise keys.wrong("fault", f"{name} is unknown; known are {error.known}") from None
    duration = keys.optional("for")
    if duration is not None:
        keys.duration_s("for")
    parameters = keys.table("with") or {}
    return StartFault(keys.words, kind.name.value, keys.text("device"), parameters, duration)


def _end_faults(keys: _Keys) -> EndFaults:
    return EndFaults(keys.words, keys.text("end"))


def _chat(keys: _Keys) -> Chat:
    content = {what: value for what in ("text", "image", "event") if (value := keys.optional(what)) is not None}
    if len(content) != 1:
        raise keys.wrong("chat", "needs exactly one of text, image, event")
    reply = keys.optional("reply")
    if reply is not None:
        _compile(keys, reply)
    return Chat(keys.words, keys.text("chat"), content, reply, keys.duration_s("within", default=REPLY_WITHIN))


def _compile(keys: _Keys, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise keys.wrong("reply", f"is no regular expression: {error}") from None


def _call(keys: _Keys) -> Call:
    method, space, path = keys.text("call").partition(" ")
    if method not in _METHODS or not space or not path.startswith("/"):
        raise keys.wrong("call", 'must read like "POST /api/v1/…"')
    status = keys.integer("status")
    return Call(keys.words, method, path, keys.table("json"), 200 if status is None else status, keys.optional("save"))


def _wait(keys: _Keys) -> Wait:
    return Wait(keys.words, keys.duration_s("wait"))


def _expect(keys: _Keys) -> Expect:
    word = keys.text("expect")
    try:
        subject = Subject(word)
    except ValueError:
        raise keys.wrong("expect", f"{word} is unknown; known are {', '.join(Subject)}") from None
    return Expect(
        words=keys.words,
        subject=subject,
        where=keys.table("where") or {},
        count=keys.integer("count"),
        at_least=keys.integer("at_least") or 1,
        within_s=keys.duration_s("within"),
        during_s=keys.duration_s("during", default="0s"),
        save=keys.optional("save"),
    )


_PARSERS: Mapping[str, Callable[[_Keys], Step]] = {
    "fault": _start_fault,
    "end": _end_faults,
    "chat": _chat,
    "call": _call,
    "wait": _wait,
    "expect": _expect,
}


def _words(place: str, raw: Any) -> Words:
    """One text for both languages, or a table with one for each."""
    if isinstance(raw, str):
        return dict.fromkeys(Language, raw)
    if isinstance(raw, Mapping) and raw.keys() == {language.value for language in Language}:
        return {language: str(raw[language.value]) for language in Language}
    raise BadScenario(place, 'must be a text, or { "zh-CN" = …, en = … }')
