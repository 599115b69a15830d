"""Where in a TOML document each rule and each of its fields begins. Of documents that are known to be TOML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # several lines of text; it may end in quotes of its own
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"""|[^"'\#\[\]{}\n]+""",
    re.DOTALL,
)
_RULE = re.compile(r"\[\[\s*(?:rules|\"rules\"|'rules')\s*\]\]")
_PART_OF_RULE = re.compile(r"\[\[?\s*(?:rules|\"rules\"|'rules')\s*\.\s*(?:\"([^\"]+)\"|'([^']+)'|([\w-]+))")
_FIELD = re.compile(r"(?:\"([^\"]+)\"|'([^']+)'|([\w-]+))\s*[.=]")


@dataclass(frozen=True)
class RuleLines:
    """`line` is that of `[[rules]]`, `fields` those of its fields by name; all counted from 1."""

    line: int
    fields: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str | None) -> int:
        """The field's line; the rule's own where it has no such field."""
        return self.line if name is None else self.fields.get(name, self.line)


def rule_lines(document: str) -> tuple[RuleLines, ...]:
    """One a `[[rules]]`, in order."""
    found: list[RuleLines] = []
    fields: dict[str, int] = {}
    is_inside_part = False
    for line, statement in _statements(document.replace("\r\n", "\n")):
        if _RULE.match(statement):
            fields, is_inside_part = {}, False
            found.append(RuleLines(line, fields))
        elif part := _PART_OF_RULE.match(statement):
            is_inside_part = True
            fields.setdefault(next(filter(None, part.groups())), line)
        elif statement.startswith("["):
            is_inside_part = True
        elif not is_inside_part and (named := _FIELD.match(statement)):
            fields.setdefault(next(filter(None, named.groups())), line)
    return tuple(found)


def _statements(document: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each header and assignment; one that goes over several lines is one."""
    line, start, depth, parts = 1, 1, 0, list[str]()
    for piece in _TOKEN.findall(document + "\n"):
        if piece == "\n" and depth == 0:
            text = "".join(parts).strip()
            if text:
                yield start, text
            parts, start = [], line + 1
        elif not piece.startswith("#"):
            depth += (piece in ("[", "{")) - (piece in ("]", "}"))
            parts.append(piece)
        line += piece.count("\n")
