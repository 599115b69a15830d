"""Closed sets as people write them in a table: the word of either language, or our own value."""

from enum import StrEnum
from typing import Generic, TypeVar

from kit.i18n import Language, Texts

Kind = TypeVar("Kind", bound=StrEnum)


class Words(Generic[Kind]):
    """The members of `kinds` by the texts `<prefix>.<value>`."""

    def __init__(self, kinds: type[Kind], prefix: str, texts: Texts) -> None:
        self._prefix = prefix
        self._texts = texts
        self._members = {
            word.lower(): member
            for member in kinds
            for word in (member.value, *(texts.text(f"{prefix}.{member}", language) for language in Language))
        }

    def read(self, word: str) -> Kind | None:
        return self._members.get(word.strip().lower())

    def write(self, member: Kind, language: Language) -> str:
        return self._texts.text(f"{self._prefix}.{member}", language)

    def known(self, language: Language) -> str:
        """All words of a language, for a message."""
        return "、".join(dict.fromkeys(self.write(member, language) for member in self._members.values()))
