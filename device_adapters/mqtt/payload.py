"""From bytes to samples: JSON, the shape a dialect describes, times. Pure."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from device_adapters.mqtt.dialect import Path, TelemetryRule, TimeRule, TimeUnit
from device_adapters.values import Reason, Refusal

MAX_PAYLOAD_BYTES = 256 * 1024

# Before the year 2000 no device of ours spoke: such a "ts" is a clock never set, or seconds sent as milliseconds.
EARLIEST_MS = 946_684_800_000
LATEST_MS = 32_503_680_000_000  # the year 3000: beyond it no calendar of ours works

TOO_DEEP = "nested deeper than anything a device has to say"

_MISSING = object()
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one device at one time. `device` is None where the topic named it; `time` is as it was sent."""

    device: str | None
    time: Any
    values: Mapping[str, Any]


def decode_json(payload: bytes) -> Any:
    """The document, or a Refusal."""
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        return _decode_leniently(payload, why=str(error))
    except UnicodeDecodeError as error:
        return Refusal(Reason.NOT_JSON, f"not UTF-8: {error.reason}")
    except RecursionError:
        return Refusal(Reason.TOO_DEEP, TOO_DEEP)


def samples(rule: TelemetryRule, document: Any) -> Iterator[Sample | Refusal]:
    """What a document of this kind says, in order; a Refusal for each part that has another shape."""
    if not rule.devices_are_keys:
        yield from _samples_of(rule, None, document)
    elif isinstance(document, dict):
        for device, part in document.items():
            yield from _samples_of(rule, device, part)
    else:
        yield Refusal(Reason.BAD_SHAPE, f"an object of devices is expected, not {_kind(document)}")


def find(document: Any, path: Path) -> Any:
    """What stands at `path`, or MISSING."""
    for key in path:
        if not isinstance(document, dict):
            return _MISSING
        document = document.get(key, _MISSING)
    return document


def is_missing(value: Any) -> bool:
    return value is _MISSING


def to_ts_ms(rule: TimeRule | None, raw: Any, *, zone: str | None) -> int | Refusal | None:
    """Milliseconds since the epoch; None when the message has no time, or one without a zone and nobody knows it."""
    if rule is None or raw is None or raw is _MISSING:
        return None
    moment: int | Refusal | None
    match rule.unit:
        case TimeUnit.MILLISECONDS:
            moment = _from_number(raw, 1)
        case TimeUnit.SECONDS:
            moment = _from_number(raw, 1000)
        case TimeUnit.ISO:
            moment = _from_iso(raw, zone)
    if isinstance(moment, int) and not EARLIEST_MS <= moment <= LATEST_MS:
        return Refusal(Reason.BAD_TIME, f"{raw!r} is no plausible time; {rule.unit.value} since 1970 are expected")
    return moment


def _decode_leniently(payload: bytes, *, why: str) -> Any:
    # NaN and 1e999 are no JSON, yet senders write them: only that point shall suffer, not the smoke beside it.
    if b"NaN" not in payload and b"Infinity" not in payload and "out of range" not in why:
        return Refusal(Reason.NOT_JSON, why)
    try:
        return json.loads(payload)
    except ValueError:
        return Refusal(Reason.NOT_JSON, why)
    except RecursionError:
        return Refusal(Reason.TOO_DEEP, TOO_DEEP)


def _samples_of(rule: TelemetryRule, device: str | None, part: Any) -> Iterator[Sample | Refusal]:
    for item in part if isinstance(part, list) else (part,):
        if not isinstance(item, dict):
            yield Refusal(Reason.BAD_SHAPE, f"an object is expected, not {_kind(item)}")
            continue
        if rule.only is not None and find(item, rule.only.path) not in rule.only.one_of:
            continue
        values = find(item, rule.values)
        if isinstance(values, dict):
            yield Sample(device, find(item, rule.time.path) if rule.time is not None else None, values)
        else:
            where = ".".join(rule.values) or "the message"
            yield Refusal(Reason.BAD_SHAPE, f"{where} must be an object of values, not {_kind(values)}")


def _from_number(raw: Any, factor: int) -> int | Refusal:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return Refusal(Reason.BAD_TIME, f"{str(raw)[:60]!r} is no time")
    return int(raw * factor)


def _from_iso(raw: Any, zone: str | None) -> int | Refusal | None:
    try:
        moment = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        return Refusal(Reason.BAD_TIME, f"{str(raw)[:60]!r} is no time")
    if moment.tzinfo is None:
        known = _zone(zone) if zone else None
        if known is None:
            return None
        moment = moment.replace(tzinfo=known)
    return int(moment.timestamp() * 1000)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _kind(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a bool", int: "a number", float: "a number"}
    return names.get(type(value), "null")
