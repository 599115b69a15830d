"""What every column is to a person, as `columns.toml` says it: data, pure."""

import tomllib
from importlib import resources


def let_go_of() -> frozenset[tuple[str, str]]:
    """The columns, as (table, column), whose values are erased with the person or when their time is over."""
    declared = tomllib.loads((resources.files("privacy") / "columns.toml").read_text("utf-8"))
    return frozenset(
        (table, name)
        for table, kinds in declared.items()
        for kind in ("erased", "aged")
        for name in kinds.get(kind, [])
    )
