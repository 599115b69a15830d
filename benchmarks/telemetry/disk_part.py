"""The part of the bench that stores what the demo fleet sends and weighs it."""

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.part import Aim, Context, Details, Figure, PartUnavailable
from building.reading import ReadingBatch
from kit.clock import FakeClock, from_ms
from telemetry.buckets import DAY_MS
from telemetry.duckdb_store import DuckDbStore

# One day stands for thirty: the fleet's days are alike, and its physics take four minutes a day.
DAYS, QUICK_DAYS = 1.0, 2 / 24
SEED = 1
_ROOT = Path(__file__).parent.parent.parent
_CACHE = Path("var") / "bench"
_DEVICES_A_BUS_MESSAGE = 4


@dataclass(frozen=True)
class DiskPart:
    """`days` of the demo fleet at its own intervals and decimals, played once and kept under var/bench."""

    name: str = "disk"
    words: str = (
        "bytes a reading after compaction: the demo fleet at its own intervals and decimals, seed 1; "
        "the first row says how many days were played, one unless --days says otherwise"
    )
    days: float | None = None

    def measure(self, context: Context) -> Details:
        days = self.days or (QUICK_DAYS if context.is_quick else DAYS)
        sent = _CACHE / f"fleet-seed-{SEED}"
        context.say(f"{days * 24:.0f} hours of the demo fleet in {sent}, made now as far as they are not there")
        _export(sent, days)
        return asyncio.run(_weigh(sent, context.folder / "store", hours=round(days * 24)))

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        hours = details["hours"]
        played = f"{hours} hours" if hours < 24 else f"{hours / 24:g} day(s)"
        whole = Figure(
            name="disk.bytes_a_reading", words=f"demo fleet, {played} played, stored hours included",
            value=details["bytes"] / details["readings"], unit="B/reading", aim=Aim(at_most=3.0),
        )  # fmt: skip
        kinds = [
            Figure(name=f"disk.{kind}", words=f"{kind}, readings alone", value=weight, unit="B/reading")
            for kind, weight in sorted(details["by_kind"].items())
        ]
        room = "file of fresh readings, whose room is used again"
        database = Figure(name="disk.database", words=room, value=details["database_mb"], unit="MB")
        return [whole, database, Figure(name="disk.readings", words="readings", value=details["readings"]), *kinds]


def _export(folder: Path, days: float) -> None:
    """Hours that are there already are kept only if all that are wanted are: the fleet cannot go on where it ended."""
    if (folder / f"hour-{round(days * 24) - 1:05}.parquet").exists():
        return
    command = [sys.executable, "-m", "simulators", "export", str(folder), "--days", str(days), "--seed", str(SEED)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise PartUnavailable(f"the fleet could not be played: {done.stderr[-500:]}")


async def _weigh(sent: Path, folder: Path, *, hours: int) -> Details:
    files = [sent / f"hour-{number:05}.parquet" for number in range(hours)]
    last_ms = int(pq.read_table(files[-1], columns=["ts_ms"])["ts_ms"].to_numpy().max())
    async with DuckDbStore(folder, clock=FakeClock(from_ms(last_ms + 2 * DAY_MS))) as store:
        for file in files:
            await store.append(_messages(file))
        await store.compact()
        await store.compact()  # what the first replaced is deleted by the next
        stats = await store.stats()
    return {
        "hours": hours,
        "readings": stats.segment_rows,
        "bytes": _size(folder / "segments") + _size(folder / "hours"),
        "database_mb": (folder / "recent.duckdb").stat().st_size / 1e6,
        "by_kind": _by_kind(sent, folder / "segments"),
    }


def _messages(file: Path) -> list[tuple[int, ReadingBatch]]:
    """An hour as the bus would carry it: a few messages of devices in each of its own."""
    table = pq.read_table(file)
    point_no, ts_ms = table["point_no"].to_numpy(), table["ts_ms"].to_numpy()
    value, message = table["value"].to_numpy(), table["message"].to_numpy()
    bus_message = message // _DEVICES_A_BUS_MESSAGE
    starts = np.concatenate([[0], np.flatnonzero(np.diff(bus_message)) + 1, [len(message)]])
    quality = np.zeros(len(value), np.uint8)
    return [
        (int(bus_message[a]), ReadingBatch(point_no[a:b], ts_ms[a:b], value[a:b], quality[a:b]))
        for a, b in pairwise(starts.tolist())
    ]


def _by_kind(sent: Path, segments: Path) -> dict[str, float]:
    """Bytes a reading of each kind of equipment: its share of each row group, by rows."""
    kinds = {point["point_no"]: point["kind"] for point in json.loads((sent / "points.json").read_text("utf-8"))}
    weights: dict[str, float] = defaultdict(float)
    rows: dict[str, int] = defaultdict(int)
    for path in segments.iterdir():
        file = pq.ParquetFile(path)
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            size = sum(group.column(at).total_compressed_size for at in range(group.num_columns))
            column = file.read_row_group(number, ["point_no"])["point_no"].to_numpy()
            points, counts = np.unique(column, return_counts=True)
            for point, count in zip(points.tolist(), counts.tolist(), strict=True):
                weights[kinds[point]] += size * count / group.num_rows
                rows[kinds[point]] += count
    return {kind: weights[kind] / rows[kind] for kind in rows}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
