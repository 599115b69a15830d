"""Faults that happen at known times: what a recording is made with, and told beside it, so that whoever judges the
recording can be judged in turn."""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.durations import seconds
from simulators.errors import BadFaultPlan

_FIELDS = frozenset({"name", "device", "at", "for", "with"})


@dataclass(frozen=True)
class PlannedFault:
    """`begins_s` counts from the beginning of the recording."""

    name: str
    device: str
    begins_s: float
    lasts_s: float
    parameters: Mapping[str, object]


def parse_plan(text: str, *, within_s: float = math.inf) -> tuple[PlannedFault, ...]:
    """`[[faults]]` with `name`, `device`, `at`, `for` and, where the fault has parameters, `with`; by their beginning.

    `within_s`: how long the recording is. What would begin later never happens, and would be told all the same.
    Raises BadFaultPlan and BadDuration.
    """
    try:
        tables = tomllib.loads(text).get("faults")
    except tomllib.TOMLDecodeError as error:
        raise BadFaultPlan("-", str(error)) from None
    if not isinstance(tables, list) or not tables:
        raise BadFaultPlan("-", "[[faults]]")
    planned = [_planned(table, place) for place, table in enumerate(tables, start=1)]
    for place, one in enumerate(planned, start=1):
        if one.begins_s >= within_s:
            raise BadFaultPlan(str(place), f"at < {within_s:g} s")
    return tuple(sorted(planned, key=lambda one: one.begins_s))


def write_plan(plan: Sequence[PlannedFault], folder: Path, *, unix_s: float) -> None:
    """`faults.json` of a recording that begins at `unix_s`: when each fault began and ended, UTC ms."""
    told = [
        {
            "name": one.name, "device": one.device, "parameters": dict(one.parameters),
            "begins_ms": round((unix_s + one.begins_s) * 1000),
            "ends_ms": round((unix_s + one.begins_s + one.lasts_s) * 1000),
        }
        for one in plan
    ]  # fmt: skip
    (folder / "faults.json").write_text(json.dumps(told), "utf-8")


def _planned(table: Any, place: int) -> PlannedFault:
    if not isinstance(table, dict) or set(table) - _FIELDS or _FIELDS - set(table) - {"with"}:
        raise BadFaultPlan(str(place), ", ".join(sorted(_FIELDS)))
    parameters = table.get("with", {})
    if not isinstance(parameters, dict):
        raise BadFaultPlan(str(place), "with = { … }")
    return PlannedFault(
        str(table["name"]), str(table["device"]), seconds(table["at"]), seconds(table["for"]), parameters
    )
