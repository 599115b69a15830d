"""Every text there must be, in both languages; every refusal has a status; the documentation says what holds."""

import inspect
import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from hub.texts import ROOMS_WITH_TEXTS
from kit.errors import DomainError
from kit.i18n import Language, Texts
from ticketing import errors
from ticketing.definitions.book import shipped
from ticketing.definitions.flow_document import parse_flow
from ticketing.dispatch.scoring import Refusal
from ticketing.endpoints import STATUS
from ticketing.errors import FieldMissing, IllegalTaskMove, IllegalTransition
from ticketing.flow import Action, Hat
from ticketing.journal import Entry
from ticketing.kinds import (
    Category,
    Channel,
    ClosingCode,
    FireOutcome,
    OrderState,
    OwnerState,
    TaskKind,
    TaskState,
)
from ticketing.reports import Known
from ticketing.site_targets import meant_by
from ticketing.sla.levels import LEVEL_FIELDS
from ticketing.targets import Targets
from ticketing.tasks import TaskAction

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "ticketing.md").read_text("utf-8")
TEXTS = Texts.load([room for room in ROOMS_WITH_TEXTS if room.startswith("ticketing")])
FLOWS = {code: parse_flow(document, code=code, version=1) for code, document in shipped("flows").items()}
REFUSALS = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, DomainError) and found.__module__ == "ticketing.errors"
]
WORDS: dict[str, type[StrEnum]] = {
    "state": OrderState, "owner_state": OwnerState, "action": Action, "closing_code": ClosingCode,
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
    facts = {field.name: f"<{field.name}>" for field in fields(refusal)}
    for language in Language:
        assert TEXTS.text(f"errors.{refusal.code()}", language, **facts)
    assert refusal in STATUS


def test_a_refusal_speaks_the_readers_language_and_names_the_machines_words() -> None:
    refusal = IllegalTransition(action="resume", state="on_site", legal=["start", "finish"])
    assert TEXTS.of_error(refusal, Language.ZH) == "工单当前状态为“已到场”，不能执行“恢复”。现在可以：开始处理、完工。"
    assert refusal.facts["legal"] == ["start", "finish"]
    assert "完工结论" in TEXTS.of_error(FieldMissing(field="closing_code", action="finish"), Language.ZH)
    assert TEXTS.of_error(IllegalTaskMove(action="finish", state="done", legal=[]), Language.EN).endswith("nothing.")


def test_every_field_hat_and_photo_refusal_has_its_word() -> None:
    required = {field for flow in FLOWS.values() for row in flow.transitions for field in row.required}
    named = {f"field.{name}" for name in {*required, "note", "outcome", "hold_until", "promised_at"}}
    named |= {f"hat.{hat}" for hat in Hat}
    named |= {f"photo.{reason}" for reason in ("too_large", "not_an_image", "too_many_pixels", "too_many")}
    named |= {"action.confirm_outage", "action.reveal_phone", *(f"action.{action}" for action in TaskAction)}
    assert {f"ticketing.{name}" for name in named} <= TEXTS.keys(Language.ZH)


def test_the_documented_states_are_those_of_the_table() -> None:
    documented = dict(re.findall(r"^\| (\w+) \| ([\w, ]*)\|$", DOCUMENT, re.MULTILINE))
    flow = FLOWS["repair"]
    for stage in flow.stages:
        assert set(documented[stage.code].replace(",", " ").split()) == {row.action for row in flow.legal(stage.code)}


def test_the_documented_times_are_the_defaults() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \| (\d+) \|$", DOCUMENT, re.MULTILINE)
    settings: dict[str, Any] = {}
    for path, value in documented:
        *tables, key = path.split(".")
        table = settings
        for name in tables:
            table = table.setdefault(name, {})
        table[key] = value if key.endswith("_number") else float(value)
    assert meant_by(settings) == meant_by({})
    assert len(documented) == _number_of_settings()


def _number_of_settings() -> int:
    targets, levels = Targets(), meant_by({})[1]
    tables = (targets.entrapment, targets.smoke, targets.answer_min)
    single = len(fields(targets)) - len(tables)
    # Words and chains are described beside the table.
    of_levels = (len(LEVEL_FIELDS) - 2) * (len(levels.by_priority) + len(levels.by_procedure))
    return of_levels + len(fields(targets.entrapment)) + len(fields(targets.smoke)) + len(targets.answer_min) + single
