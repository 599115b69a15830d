"""The native topics and payload: `site/{site}/device/{device}/telemetry|status`."""

import json
from collections.abc import Mapping


def telemetry_topic(site: str, device: str) -> str:
    return f"site/{site}/device/{device}/telemetry"


def status_topic(site: str, device: str) -> str:
    return f"site/{site}/device/{device}/status"


def telemetry(values: Mapping[str, float], *, ts_ms: int) -> bytes:
    """`{"ts": <ms since epoch>, "values": {point: number}}`."""
    return json.dumps({"ts": ts_ms, "values": values}, separators=(",", ":")).encode()
