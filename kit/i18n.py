"""Texts by key in both languages. Each room keeps its own in `<room>/locales/{zh-CN,en}.toml`."""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any

from kit.errors import DomainError


class TextKey(str):
    """A fact that is itself a text, to be shown in the reader's language. A type, so that no input can pass for one."""

    __slots__ = ()


@dataclass(frozen=True)
class Phrase:
    """A fact that is a sentence of ours with facts of its own."""

    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Wording(dict[str, str]):
    """A fact that is data in every language, by language code; shown in the reader's."""

    @classmethod
    def same(cls, words: str) -> "Wording":
        """Words that are the same in every language: a code, a name."""
        return cls({language.value: words for language in Language})


class Language(StrEnum):
    ZH = "zh-CN"
    EN = "en"

    @classmethod
    def of_header(cls, accept_language: str | None) -> "Language":
        """The first language of an `Accept-Language` header that we speak; Chinese when there is none."""
        for part in (accept_language or "").split(","):
            tag = part.split(";")[0].strip().lower()
            if tag.startswith("zh"):
                return cls.ZH
            if tag.startswith("en"):
                return cls.EN
        return cls.ZH


class MissingText(LookupError):
    """A key without a text is a defect of ours, not of the user's input."""


class Texts:
    """Every text a user sees, of all rooms. Immutable after loading."""

    def __init__(self, texts: Mapping[Language, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, rooms: Iterable[str]) -> "Texts":
        texts: dict[Language, dict[str, str]] = {language: {} for language in Language}
        for room in rooms:
            for language in Language:
                texts[language] |= _texts_of(room, language)
        return cls(texts)

    def keys(self, language: Language) -> set[str]:
        return set(self._texts[language])

    def template(self, key: str, language: Language) -> str:
        """The text of `key` with its braces as they stand. Raises MissingText when there is none in that language."""
        try:
            return self._texts[language][key]
        except KeyError:
            raise MissingText(f"{key} ({language.value})") from None

    def text(self, key: str, language: Language, **facts: Any) -> str:
        """The text of `key` with its braces filled. Raises MissingText.

        A fact that is a TextKey is shown as that text, a Wording in that language, a list with commas between.
        """
        shown = {name: self._shown(value, language) for name, value in facts.items()}
        return self.template(key, language).format_map(shown)

    def wording(self, fact: TextKey | Wording) -> Wording:
        """The fact in every language."""
        return Wording({language.value: str(self._shown(fact, language)) for language in Language})

    def of_error(self, error: DomainError, language: Language) -> str:
        return self.text(f"errors.{error.code()}", language, **error.shown)

    def _shown(self, fact: Any, language: Language) -> Any:
        if isinstance(fact, TextKey):
            return self.text(fact, language)
        if isinstance(fact, Phrase):
            return self.text(fact.key, language, **fact.facts)
        if isinstance(fact, Wording):
            return fact[language.value]
        if isinstance(fact, list | tuple):
            comma = "、" if language is Language.ZH else ", "
            return comma.join(str(self._shown(each, language)) for each in fact)
        return fact


@functools.cache
def _texts_of(room: str, language: Language) -> Mapping[str, str]:
    """Read once: they come with the code and change with it."""
    file = resources.files(room) / "locales" / f"{language.value}.toml"
    return MappingProxyType(_flatten(tomllib.loads(file.read_text("utf-8"))) if file.is_file() else {})


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            flat |= _flatten(value, path)
        else:
            flat[path] = str(value)
    return flat
