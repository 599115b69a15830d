"""Every text a user may see exists in both languages, with the same braces."""

import dataclasses
import importlib
import pkgutil
import string
import tomllib
from pathlib import Path

import pytest

from hub.texts import ROOMS_WITH_TEXTS, load_texts
from kit.errors import DomainError, every_error
from kit.i18n import Language, Texts

ROOT = Path(__file__).parents[2]


def braces(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.fixture(scope="module")
def texts() -> Texts:
    return load_texts()


@pytest.fixture(scope="module")
def errors() -> list[type[DomainError]]:
    for room in ROOMS_WITH_TEXTS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if module.name.endswith(".errors") or module.name == "kit.access":
                importlib.import_module(module.name)
    return [error for error in every_error() if error.__module__.split(".")[0] in ROOMS_WITH_TEXTS]


def test_both_languages_have_the_same_texts(texts: Texts) -> None:
    chinese, english = texts.keys(Language.ZH), texts.keys(Language.EN)
    assert not chinese - english, "without English"
    assert not english - chinese, "without Chinese"


def test_both_languages_fill_the_same_braces(texts: Texts) -> None:
    for key in texts.keys(Language.ZH):
        chinese, english = (braces(texts.template(key, language)) for language in Language)
        assert chinese == english, key


def test_every_refusal_has_its_sentence(texts: Texts, errors: list[type[DomainError]]) -> None:
    # What has kinds below it may be a base that is never raised itself.
    raised = [error for error in errors if not error.__subclasses__()]
    missing = [error.code() for error in raised if f"errors.{error.code()}" not in texts.keys(Language.ZH)]
    assert not missing


def test_a_refusals_braces_are_its_facts(texts: Texts, errors: list[type[DomainError]]) -> None:
    for error in errors:
        if error.__subclasses__() and f"errors.{error.code()}" not in texts.keys(Language.ZH):
            continue
        facts = {field.name for field in dataclasses.fields(error)}
        assert braces(texts.template(f"errors.{error.code()}", Language.ZH)) <= facts, error.code()


def test_no_two_rooms_claim_the_same_key() -> None:
    owners: dict[str, str] = {}
    for room in ROOMS_WITH_TEXTS:
        file = ROOT / room.replace(".", "/") / "locales" / "zh-CN.toml"
        if not file.exists():
            continue
        for code in tomllib.loads(file.read_text("utf-8")).get("errors", {}):
            assert owners.setdefault(code, room) == room, code
