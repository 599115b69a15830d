"""Every refusal of the simulators has its words in both languages, and they fill."""

import dataclasses
import re

import pytest

import simulators.errors as errors
from kit.errors import DomainError
from kit.i18n import Language, Texts

TEXTS = Texts.load(["kit", "simulators"])
OURS = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, DomainError) and e is not DomainError]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_a_refusal_has_words(error, language):
    facts = {field.name: f"<{field.name}>" for field in dataclasses.fields(error)}
    said = TEXTS.of_error(error(**facts), language)
    assert all(fact in said for fact in facts.values())


def test_both_languages_have_the_same_keys_and_braces():
    zh, en = (TEXTS.keys(language) for language in (Language.ZH, Language.EN))
    assert zh == en
    braces = re.compile(r"\{(\w+)\}")
    for key in [key for key in en if key.startswith("simulators.")]:
        facts = {language: set(braces.findall(TEXTS._texts[language][key])) for language in Language}
        assert facts[Language.ZH] == facts[Language.EN], key
