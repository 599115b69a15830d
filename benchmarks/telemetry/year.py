"""A year of readings, made straight into segments: what appending and compacting them would have left on disk.

Deterministic in its seed. Made once and kept: a folder that is whole says so in a file and is used again.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kit.clock import FakeClock, from_ms
from kit.ids import new_id
from telemetry.buckets import DAY_MS
from telemetry.columns import SequencedReadings
from telemetry.duckdb_compaction import Flushed, NewSegment, list_flushed
from telemetry.duckdb_file import DuckDbFile, DuckDbLimits
from telemetry.duckdb_store import DuckDbStore
from telemetry.segment import columns_of, hours_file, hours_of, readings_file

_WHOLE = "year.json"
_POINTS_AT_ONCE = 400
_POINTS_A_DEVICE = 8


@dataclass(frozen=True, kw_only=True)
class Kind:
    """So many points that report every `interval_s`, to `decimals`: a daily wave with noise, or a state (no wave)."""

    points: int
    interval_s: int
    decimals: int
    wave: float
    noise: float


@dataclass(frozen=True, kw_only=True)
class YearPlan:
    """What is made. The last day is the one before `end_day` (days since the epoch)."""

    days: int
    end_day: int
    seed: int
    kinds: tuple[Kind, ...]

    @property
    def points(self) -> int:
        return sum(kind.points for kind in self.kinds)

    @property
    def readings(self) -> int:
        return self.days * sum(kind.points * (86_400 // kind.interval_s) for kind in self.kinds)

    @property
    def frequent_points(self) -> int:
        """How many points, the first ones, report each minute or more often."""
        return sum(kind.points for kind in self.kinds if kind.interval_s <= 60)


# 548,000 readings a day: pumps and meters every 10 s, HVAC every minute, states and meters by the quarter hour.
FULL = (
    Kind(points=24, interval_s=10, decimals=2, wave=4.0, noise=0.3),
    Kind(points=180, interval_s=60, decimals=1, wave=6.0, noise=0.2),
    Kind(points=800, interval_s=900, decimals=1, wave=10.0, noise=0.5),
    Kind(points=200, interval_s=3600, decimals=0, wave=0.0, noise=0.0),
)


def make_year(folder: Path, plan: YearPlan, *, say: Callable[[str], None]) -> None:
    """Makes the store's folder unless it is there already."""
    described = json.dumps(asdict(plan))
    if (folder / _WHOLE).exists() and (folder / _WHOLE).read_text("utf-8") == described:
        return
    if folder.exists():
        _remove(folder)
    folder.mkdir(parents=True)
    file = DuckDbFile(folder, DuckDbLimits())
    file.open()
    for day in range(plan.end_day - plan.days, plan.end_day):
        _make_day(file, plan, day)
        if (plan.end_day - day) % 60 == 0:
            say(f"{plan.end_day - day} days to go")
    file.close()
    asyncio.run(_compact(folder, plan.end_day))
    (folder / _WHOLE).write_text(described, "utf-8")


def _make_day(file: DuckDbFile, plan: YearPlan, day: int) -> None:
    chance = np.random.default_rng([plan.seed, day])
    newest: list[SequencedReadings] = []
    with (
        readings_file(file.segments_folder / f"{day}-{new_id().hex}.parquet") as segment,
        hours_file(file.hours_folder / f"{new_id().hex}.parquet") as hours,
    ):
        first = 1
        for kind in plan.kinds:
            for at in range(0, kind.points, _POINTS_AT_ONCE):
                points = np.arange(first + at, first + min(at + _POINTS_AT_ONCE, kind.points), dtype=np.int32)
                readings = _readings(chance, kind, points, day)
                segment.write(columns_of(readings))
                hours.write(hours_of(readings))
                newest.append(readings.newest_of_each_point())
            first += kind.points
        written, rolled = segment.finish(), hours.finish()
    # Listed as a table that was flushed: the same transaction that compaction makes.
    number = file.rotate()
    listed = NewSegment(day, written.file, written.rows, rolled.file)
    list_flushed(file, Flushed(number, (listed,), SequencedReadings.concat(newest)))


def _readings(chance: np.random.Generator, kind: Kind, points: npt.NDArray[np.int32], day: int) -> SequencedReadings:
    each = 86_400 // kind.interval_s
    # Each device at its own moment of the interval, a few milliseconds late as networks are.
    devices = -(-len(points) // _POINTS_A_DEVICE)
    phase_ms = chance.integers(0, kind.interval_s * 1000 - 100, (devices, 1))
    steps = np.arange(each, dtype=np.int64) * kind.interval_s * 1000
    said_ms = day * DAY_MS + steps[None, :] + phase_ms + chance.integers(0, 50, (devices, each))
    ts_ms = np.repeat(said_ms, _POINTS_A_DEVICE, axis=0)[: len(points)]
    hour = (ts_ms % DAY_MS) / 3_600_000
    wave = kind.wave * np.sin((hour - 9) / 24 * 2 * np.pi) + chance.normal(0, 1, (len(points), 1)) * kind.wave
    value = np.round(40 + wave + chance.normal(0, 1, ts_ms.shape) * kind.noise, kind.decimals)
    count = ts_ms.size
    return SequencedReadings(
        np.repeat(points, each), ts_ms.ravel(), value.ravel(), np.zeros(count, np.uint8),
        day * 10_000_000 + (ts_ms.ravel() % DAY_MS) // 20,
    )  # fmt: skip


async def _compact(folder: Path, end_day: int) -> None:
    """What is left of upkeep: hours of many days into one file."""
    async with DuckDbStore(folder, clock=FakeClock(from_ms(end_day * DAY_MS))) as store:
        await store.compact()


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
