"""Every text there must be, in both languages; every refusal has a status; the documentation says what holds."""

import inspect
import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest

from kit.errors import DomainError
from kit.i18n import Language, Texts
from ticketing import errors
from ticketing.dispatch import Refusal
from ticketing.endpoints import STATUS
from ticketing.errors import Names
from ticketing.flow import Action, legal
from ticketing.journal import Entry
from ticketing.kinds import (
    Category,
    Channel,
    ClosingCode,
    FireOutcome,
    OrderKind,
    OrderState,
    OwnerState,
    TaskKind,
    TaskState,
)
from ticketing.reports import Known
from ticketing.targets import Clock, Targets, parse_targets

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "ticketing.md").read_text("utf-8")
TEXTS = Texts.load(["ticketing"])
REFUSALS = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, DomainError) and found.__module__ == "ticketing.errors"
]
WORDS: dict[str, type[StrEnum]] = {
    "kind": OrderKind, "state": OrderState, "owner_state": OwnerState, "action": Action, "closing_code": ClosingCode,
    "channel": Channel, "category": Category, "task": TaskKind, "task_state": TaskState, "fire_outcome": FireOutcome,
    "known": Known, "timeline": Entry, "dispatch": Refusal,
}  # fmt: skip


def test_both_languages_have_the_same_texts() -> None:
    assert TEXTS.keys(Language.ZH) == TEXTS.keys(Language.EN)


@pytest.mark.parametrize("group", WORDS)
def test_every_word_of_a_closed_set_can_be_shown(group: str) -> None:
    assert {f"ticketing.{group}.{word}" for word in WORDS[group]} <= TEXTS.keys(Language.ZH)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda cls: cls.__name__)
def test_every_refusal_has_its_sentence_and_its_status(refusal: type[DomainError]) -> None:
    facts = {field.name: f"<{field.name}>" for field in fields(refusal)}  # type: ignore[arg-type]
    for language in Language:
        assert TEXTS.text(f"errors.{refusal.code()}", language, **facts)
    assert refusal in STATUS


def test_a_list_of_names_reads_as_a_sentence_and_stays_a_list() -> None:
    assert f"{Names(['accept', 'cancel'])}" == "accept, cancel"
    assert f"{Names()}" == "—"
    assert Names(["accept"]) == ["accept"]


def test_the_documented_states_are_those_of_the_table() -> None:
    documented = dict(re.findall(r"^\| (\w+) \| ([\w, ]*)\|$", DOCUMENT, re.MULTILINE))
    for state in OrderState:
        assert {word for word in documented[state].replace(",", " ").split()} == {row.action for row in legal(state)}


def test_the_documented_times_are_the_defaults() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \| (\d+) \|$", DOCUMENT, re.MULTILINE)
    settings: dict[str, dict[str, object]] = {}
    for path, value in documented:
        *tables, key = path.split(".")
        table: dict[str, object] = settings
        for name in tables:
            table = table.setdefault(name, {})  # type: ignore[assignment]
        table[key] = value if key.endswith("_number") else float(value)
    assert parse_targets(settings) == Targets()
    assert len(documented) == _number_of_settings()


def _number_of_settings() -> int:
    targets = Targets()
    clocks = len(fields(Clock)) * (len(targets.by_priority) + len(targets.by_kind))
    return clocks + len(fields(targets.entrapment)) + len(fields(targets.smoke)) + len(targets.answer_min) + 2
