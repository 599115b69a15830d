"""A TOML document of rules, read: the rules that have the right shape, and line by line what is wrong with the rest."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kit.errors import DomainError
from kit.http import what_is_invalid
from kit.i18n import Language, Texts, Wording
from rules.schemas import RuleDefinition
from rules.versions.errors import (
    DocumentUnreadable,
    DocumentWithoutRules,
    FieldNotRight,
    RuleTwiceInDocument,
    TooManyRulesInDocument,
)
from rules.versions.lines import RuleLines, rule_lines

MOST_RULES = 500
_NEAR_CHARACTERS = 40
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True)
class ReadRule:
    definition: RuleDefinition
    lines: RuleLines


@dataclass(frozen=True)
class LineProblem:
    """`rule` is the key, as far as it could be read; `column` where one is known."""

    line: int
    rule: str | None
    error: DomainError
    column: int | None = None


@dataclass(frozen=True)
class ReadDocument:
    rules: tuple[ReadRule, ...]
    problems: tuple[LineProblem, ...]


def read(document: str, texts: Texts) -> ReadDocument:
    """`profile` or `kind` above the rules hold for those that name neither."""
    try:
        tree = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        return ReadDocument((), (_unreadable(document, str(error)),))
    tables = tree.get("rules")
    if not isinstance(tables, list) or not tables:
        return ReadDocument((), (LineProblem(1, None, DocumentWithoutRules()),))
    if len(tables) > MOST_RULES:
        return ReadDocument((), (LineProblem(1, None, TooManyRulesInDocument(MOST_RULES)),))
    lines = rule_lines(document)
    if len(lines) != len(tables):  # written as `rules = [{…}, {…}]`: all in one statement
        lines = (RuleLines(1),) * len(tables)
    shared: dict[str, Any] = {name: tree[name] for name in ("profile", "kind") if name in tree}
    return _read_rules(tables, lines, shared, texts)


def _read_rules(
    tables: Sequence[Any], lines: Sequence[RuleLines], shared: Mapping[str, Any], texts: Texts
) -> ReadDocument:
    rules: list[ReadRule] = []
    problems: list[LineProblem] = []
    first_lines: dict[str, int] = {}
    for table, where in zip(tables, lines, strict=True):
        said = table if not isinstance(table, dict) or {"profile", "kind"} & set(table) else {**shared, **table}
        try:
            definition = RuleDefinition.model_validate(said)
        except ValidationError as error:
            problems += _wrong_fields(error, where, said, texts)
            continue
        if definition.key in first_lines:
            twice = RuleTwiceInDocument(definition.key, first_lines[definition.key])
            problems.append(LineProblem(where.of("key"), definition.key, twice))
            continue
        first_lines[definition.key] = where.line
        rules.append(ReadRule(definition, where))
    return ReadDocument(tuple(rules), tuple(problems))


def _wrong_fields(error: ValidationError, where: RuleLines, said: Any, texts: Texts) -> Iterator[LineProblem]:
    key = said.get("key") if isinstance(said, dict) else None
    for one in error.errors():
        place = [str(part) for part in one["loc"]]
        words = Wording(
            {
                language.value: what_is_invalid({**one, "loc": ("[[rules]]", *place)}, texts, language)
                for language in Language
            }
        )
        field = place[0] if place else None
        yield LineProblem(where.of(field), key if isinstance(key, str) else None, FieldNotRight(words))


def _unreadable(document: str, said: str) -> LineProblem:
    lines = document.split("\n")
    place = _PLACE.search(said)
    # Without a place it is the end of the document.
    line, column = (int(place[1]), int(place[2])) if place else (len(lines), len(lines[-1]) + 1)
    near = lines[line - 1].strip()[:_NEAR_CHARACTERS]
    return LineProblem(line, None, DocumentUnreadable(line, column, near), column)
