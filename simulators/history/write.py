"""A fleet's months as files: readings like those of `export`, a file a day; what failed and what only changed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kit.clock import from_ms
from simulators.history.lives import Benign, WearSpell
from simulators.history.play import PlayedKind
from simulators.physics.tick import DAY_S


def write_history(played: Sequence[PlayedKind], folder: Path) -> Iterator[int]:
    """Writes `points.json`, `faults.json`, `changes.json` and `day-00000.parquet`, …; yields the readings of each day.

    Columns of a day: point_no int32, ts_ms int64 (UTC), value float64, message int64, in the order of time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points = _points(played)
    (folder / "points.json").write_text(json.dumps(points), "utf-8")
    _write_lives(played, folder)
    if not played:
        return
    per_day = round(DAY_S / played[0].span.step_s)
    for number, start in enumerate(range(0, len(played[0].span.ts_s), per_day)):
        table = _day(played, start=start, stop=start + per_day)
        unfinished = folder / f"day-{number:05}.part"
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.rename(folder / f"day-{number:05}.parquet")
        yield table.num_rows


def write_csvs(played: Sequence[PlayedKind], folder: Path) -> int:
    """`CODE.csv` of each machine: `timestamp` (UTC), then its points; rows in which nothing was read are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for group in played:
        times = np.array([from_ms(int(ts_s * 1000)).strftime("%Y-%m-%dT%H:%M:%SZ") for ts_s in group.span.ts_s])
        for row, code in enumerate(group.codes):
            _write_csv(group, row, times, folder / f"{code}.csv")
    return sum(len(group.codes) for group in played)


def _write_csv(group: PlayedKind, row: int, times: np.ndarray[Any, np.dtype[np.str_]], file: Path) -> None:
    values = np.stack([column[row] for column in group.values.values()], axis=1)
    read = ~np.isnan(values).all(axis=1)
    lines = [
        ",".join([str(time), *("" if value != value else f"{value:.10g}" for value in line)])
        for time, line in zip(times[read], values[read].tolist(), strict=True)
    ]
    file.write_text("\n".join([",".join(["timestamp", *group.values]), *lines, ""]), "utf-8")


def _points(played: Sequence[PlayedKind]) -> list[dict[str, object]]:
    """Numbered by kind, machine and key, as `_day` numbers them."""
    named = [(group, code, key) for group in played for code in group.codes for key in group.values]
    return [
        {"point_no": number, "device": code, "kind": group.kind.equipment.value, "key": key}
        for number, (group, code, key) in enumerate(named, start=1)
    ]


def _day(played: Sequence[PlayedKind], *, start: int, stop: int) -> pa.Table:
    numbers, times, values = [], [], []
    first = 1
    for group in played:
        block = np.stack([column[:, start:stop] for column in group.values.values()], axis=1)
        machines, keys, rows = block.shape
        block = block.reshape(machines * keys, rows)
        point, row = np.nonzero(~np.isnan(block))
        numbers.append(first + point)
        times.append(np.round(group.span.ts_s[start:stop] * 1000).astype(np.int64)[row])
        values.append(block[point, row])
        first += machines * keys
    ts_ms = np.concatenate(times)
    order = np.argsort(ts_ms, kind="stable")
    ts_ms = ts_ms[order]
    columns = {
        "point_no": np.concatenate(numbers)[order].astype(np.int32),
        "ts_ms": ts_ms,
        "value": np.concatenate(values)[order],
        "message": np.cumsum(np.r_[1, np.diff(ts_ms) > 0]) if len(ts_ms) else ts_ms,
    }
    return pa.table(columns)


def _write_lives(played: Sequence[PlayedKind], folder: Path) -> None:
    lives = [(code, life) for group in played for code, life in zip(group.codes, group.lives, strict=True)]
    failed = [_failed(code, spell) for code, life in lives for spell in life.spells]
    changed = [_changed(code, event) for code, life in lives for event in life.benign]
    (folder / "faults.json").write_text(json.dumps(failed), "utf-8")
    (folder / "changes.json").write_text(json.dumps(changed), "utf-8")


def _failed(code: str, spell: WearSpell) -> dict[str, object]:
    return {
        "name": spell.fault.value, "device": code,
        "parameters": {"path": spell.path.value, "severity": round(spell.severity, 3)},
        "begins_ms": round(spell.begins_s * 1000), "fails_ms": round(spell.fails_s * 1000),
        "ends_ms": round(spell.repaired_s * 1000),
    }  # fmt: skip


def _changed(code: str, event: Benign) -> dict[str, object]:
    return {
        "name": event.kind.value, "device": code, "size": round(event.size, 3),
        "begins_ms": round(event.begins_s * 1000), "ends_ms": round(event.ends_s * 1000),
    }  # fmt: skip
