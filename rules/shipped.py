"""The rules that a release brings."""

import tomllib
from collections.abc import Iterable
from importlib import resources

from rules.schemas import RuleDefinition


def shipped_rules() -> Iterable[RuleDefinition]:
    """The rules of this release: `rules/defaults/*.toml`, one file a profile or a kind; a rule may name its own."""
    for file in sorted(resources.files("rules").joinpath("defaults").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            document = tomllib.loads(file.read_text("utf-8"))
            where = {name: document[name] for name in ("profile", "kind") if name in document}
            for rule in document["rules"]:
                yield RuleDefinition.model_validate(rule if {"profile", "kind"} & set(rule) else where | rule)
