"""A series as CSV that Chinese Excel opens as it is: UTF-8 with a byte order mark, CRLF, local times."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from building.reading import ReadingBatch
from kit.clock import from_ms
from kit.i18n import Language, Texts
from telemetry.store import Series

_ROWS_A_CHUNK = 2_000
_BOM = "\ufeff"


def series_csv(series: Series, *, zone: tzinfo, unit: str, texts: Texts, language: Language) -> Iterator[bytes]:
    """One line a bucket: when it begins, average, lowest, highest, readings, readings without a value."""
    header = [_head(key, unit, texts, language) for key in ("time", "avg", "min", "max", "count", "bad")]
    rows = (
        (_time(row.ts_ms, zone), _number(row.avg), _number(row.min), _number(row.max), row.count, row.bad)
        for row in series.rows
    )
    return _lines(header, rows)


def readings_csv(
    readings: ReadingBatch, *, zone: tzinfo, unit: str, texts: Texts, language: Language
) -> Iterator[bytes]:
    """One line a reading: time, value (empty where there is none), quality."""
    header = [_head(key, unit, texts, language) for key in ("time", "value", "quality")]
    words = {
        quality: texts.text(f"telemetry.quality.{quality}", language)
        for quality in ("ok", "stale", "fault", "down", "unknown")
    }
    rows = (
        (_time(reading.ts_ms, zone), _number(reading.value), words[reading.quality.name.lower()])
        for reading in readings
    )
    return _lines(header, rows)


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(_BOM)
    writer.writerow(header)
    for number, row in enumerate(rows, start=1):
        writer.writerow(row)
        if number % _ROWS_A_CHUNK == 0:
            yield buffer.getvalue().encode("utf-8")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8")


def _head(key: str, unit: str, texts: Texts, language: Language) -> str:
    word = texts.text(f"telemetry.csv.{key}", language)
    return f"{word} ({unit})" if unit and key in ("avg", "min", "max", "value") else word


def _time(ts_ms: int, zone: tzinfo) -> str:
    return from_ms(ts_ms).astimezone(zone).isoformat(sep=" ", timespec="milliseconds")[:-6]


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.10g}"
