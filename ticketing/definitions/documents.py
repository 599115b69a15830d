"""What every document about orders has in common: typed reading, and problems that say where and what, pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from kit.i18n import Language, Phrase, Wording
from ticketing.definitions.errors import DocumentInvalid

CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_NAME = 80
T = TypeVar("T")


class Checks:
    """Collects what is wrong with a document, so that its author hears everything at once."""

    def __init__(self) -> None:
        self.problems: list[Phrase] = []

    def add(self, problem: str, **facts: Any) -> None:
        self.problems.append(Phrase(f"ticketing.document.{problem}", facts))

    def code(self, code: str, *, where: str) -> None:
        if not CODE.fullmatch(code):
            self.add("bad_code", where=where, code=code)

    def names(self, names: Mapping[str, str] | None, *, where: str) -> None:
        """Every language has a name, and none is longer than a line."""
        given = names or {}
        for language in Language:
            words = given.get(language.value, "").strip()
            if not words or len(words) > LONGEST_NAME:
                self.add("no_name", where=where, spoken=language.value)
        for unknown in sorted(set(given) - {language.value for language in Language}):
            self.add("unknown_language", where=where, spoken=unknown)

    def unique(self, codes: Iterable[str], *, where: str) -> None:
        seen: set[str] = set()
        for code in codes:
            if code in seen:
                self.add("twice", where=where, code=code)
            seen.add(code)

    def raise_if_any(self) -> None:
        """Raises DocumentInvalid."""
        if self.problems:
            raise DocumentInvalid(problems=[str(problem.key) for problem in self.problems], sentences=self.problems)


def read(document: Mapping[str, Any], kind: type[T]) -> T:
    """The document as `kind`. Raises DocumentInvalid, naming the place."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        sentence = Phrase("ticketing.document.unreadable", {"what": str(error)})
        raise DocumentInvalid(problems=[sentence.key], sentences=[sentence]) from None


def wording(names: Mapping[str, str] | None) -> Wording | None:
    return Wording(names) if names else None
