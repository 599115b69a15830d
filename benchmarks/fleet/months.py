"""A fleet's months as the simulators write them, read back as windows of equal equipment."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from predictive.detectors.contract import Floats, Integers, Window

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Failure:
    """A part that wore out. Times in UTC ms: when it began, when it failed, when it was as new again."""

    kind: str
    path: str
    begins_ms: int
    fails_ms: int
    ends_ms: int


@dataclass(frozen=True, eq=False)
class Group:
    """Equipment of one shape. `failures`: of each, in order of `codes`; `edges_ms`: midnights, int64[D + 1]."""

    kind: str
    codes: tuple[str, ...]
    keys: tuple[str, ...]
    window: Window
    failures: tuple[tuple[Failure, ...], ...]
    edges_ms: Integers


def play(folder: Path, *, seed: int, days: int, machines: int, paths: Sequence[str]) -> None:
    """Writes the months of `machines` of each kind into `folder`, by the simulators' own command."""
    kinds = ("pumps", "air-handlers", "elevators", "smoke-detectors", "boards")
    command = [sys.executable, "-m", "simulators", "history", str(folder), "--days", str(days), "--seed", str(seed)]
    command += [part for kind in kinds for part in ("--machines", f"{kind}={machines}")]
    command += [part for path in paths for part in ("--path", path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read(folder: Path) -> Iterator[Group]:
    """A group of each kind of equipment."""
    points = json.loads((folder / "points.json").read_text("utf-8"))
    faults = json.loads((folder / "faults.json").read_text("utf-8"))
    tables = [
        pq.read_table(file, columns=["point_no", "ts_ms", "value"]) for file in sorted(folder.glob("day-*.parquet"))
    ]
    number, ts_ms, value = (
        np.concatenate([table.column(name).to_numpy() for table in tables]) for name in ("point_no", "ts_ms", "value")
    )
    edges_ms = int(ts_ms.min()) // DAY_MS * DAY_MS + DAY_MS * np.arange(len(tables) + 1)
    for kind in dict.fromkeys(point["kind"] for point in points):
        own = [point for point in points if point["kind"] == kind]
        codes = tuple(dict.fromkeys(point["device"] for point in own))
        keys = tuple(dict.fromkeys(point["key"] for point in own))
        mine = (number >= own[0]["point_no"]) & (number <= own[-1]["point_no"])
        place = number[mine] - own[0]["point_no"]
        window = _window(place, ts_ms[mine], value[mine], machines=len(codes), points=len(keys))
        failures = tuple(tuple(_failure(each) for each in faults if each["device"] == code) for code in codes)
        yield Group(kind, codes, keys, window, failures, edges_ms)


def _window(place: Integers, ts_ms: Integers, value: Floats, *, machines: int, points: int) -> Window:
    """`place`: machine · points + point, as the simulators number them."""
    times = np.unique(ts_ms)
    values = np.full((machines * points, len(times)), np.nan)
    values[place, np.searchsorted(times, ts_ms)] = value
    shaped = values.reshape(machines, points, len(times)).transpose(0, 2, 1)
    return Window(np.broadcast_to(times, (machines, len(times))), shaped, float(np.median(np.diff(times))) / 1000)


def _failure(told: dict[str, object]) -> Failure:
    parameters = told["parameters"]
    assert isinstance(parameters, dict)
    begins, fails, ends = (int(str(told[key])) for key in ("begins_ms", "fails_ms", "ends_ms"))
    return Failure(str(told["name"]), str(parameters["path"]), begins, fails, ends)
