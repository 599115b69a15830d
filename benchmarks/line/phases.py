"""The phases of the line bench, and what is kept of each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

import numpy as np

from benchmarks.line.publisher import Pace
from benchmarks.line.rig import Load, Outcome

QUANTILES = (50, 90, 99, 99.9)
_BURST = 100_000


class Phase(StrEnum):
    IDLE = "idle"
    PACED_1000 = "paced-1000"
    PACED_10000 = "paced-10000"
    BURST = "burst"
    SUSTAINED = "sustained"
    SOAK = "soak"


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How long the phases are. `seconds` and `messages` override those of every phase that counts in them."""

    is_quick: bool = False
    seconds: float | None = None
    messages: int | None = None
    lag: int = 30_000
    soak_minutes: float = 10.0

    def within(self, most_at_once: int | None) -> "Extent":
        """As `Subject.most_at_once` wants it."""
        if most_at_once is None:
            return self
        return replace(self, lag=min(self.lag, most_at_once), messages=min(self.burst, most_at_once))

    @property
    def burst(self) -> int:
        """Messages."""
        return self.messages or (_BURST if self.is_quick else 3 * _BURST)

    def of(self, *, usual_s: float) -> float:
        return self.seconds or (usual_s / 6 if self.is_quick else usual_s)


def load_of(phase: Phase, extent: Extent) -> Load | None:
    """None where nothing is published."""
    match phase:
        case Phase.IDLE:
            return None
        case Phase.PACED_1000:
            return _paced(1_000, extent.of(usual_s=60), extent)
        case Phase.PACED_10000:
            return _paced(10_000, extent.of(usual_s=30), extent)
        case Phase.BURST:
            return Load(pace=Pace.BURST, messages=extent.burst)
        case Phase.SUSTAINED:
            return Load(pace=Pace.FOLLOW, seconds=extent.of(usual_s=60), lag=extent.lag)
        case Phase.SOAK:
            return _paced(10_000, extent.soak_minutes * 60, extent)
        case _:
            assert_never(phase)


def rate_of(phase: Phase) -> float:
    """Messages a second that the phase insists on; 0 when it goes by what is kept up with."""
    return {Phase.PACED_1000: 1_000.0, Phase.PACED_10000: 10_000.0, Phase.SOAK: 10_000.0}.get(phase, 0.0)


def _paced(rate: int, seconds: float, extent: Extent) -> Load:
    # Few samples of memory while latency is measured: reading them stops the process for a moment.
    return Load(
        pace=Pace.EVEN,
        messages=extent.messages or int(rate * seconds),
        rate=rate,
        memory_every_s=max(10.0, seconds / 30),
    )


def kept(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON holds it. Rates in messages/s, CPU in s per 100,000 messages, memory in MB."""
    messages = outcome.published.messages
    each_100k = 100_000 / messages
    found = outcome.latencies_ms
    return {
        "messages": messages,
        "is_done": outcome.is_done,
        "published_per_s": messages / outcome.publishing_s,
        "rate_per_s": messages / outcome.done_s,
        "seconds": outcome.done_s,
        "lag_at_end_s": outcome.done_s - outcome.publishing_s,
        "latency_ms": {f"p{q:g}": float(np.percentile(found, q)) for q in QUANTILES if len(found)},
        "alarms_timed": len(found),
        "cpu_per_100k_s": outcome.cpu.total_s * each_100k,
        "cpu_by_process_per_100k_s": {kind: spent * each_100k for kind, spent in outcome.cpu.by_kind.items()},
        "broker_cpu_per_100k_s": outcome.broker_cpu_s * each_100k,
        "others_share": outcome.others_share,
        "publisher_cpu_per_100k_s": outcome.publisher_cpu_s * each_100k,
        "memory_mb": {
            "peak": sum(outcome.memory.peak.values()),
            "peak_by_process": dict(outcome.memory.peak),
            "slope_per_minute": slope_per_minute([(at, sum(sample.values())) for at, sample in outcome.memory.samples]),
        },
        "verdict": asdict(outcome.verdict) | {"is_clean": outcome.verdict.is_clean},
    }


def slope_per_minute(samples: list[tuple[float, float]]) -> float | None:
    """By least squares over the second half of (seconds, MB): what grows on after everything is warm."""
    late = samples[len(samples) // 2 :]
    if len(late) < 4:
        return None
    at, memory = np.array(late).T
    return float(np.polyfit((at - at[0]) / 60, memory, 1)[0])


def memory_kept(sample: Mapping[str, float]) -> dict[str, Any]:
    return {"memory_mb": {"peak": sum(sample.values()), "peak_by_process": dict(sample)}}
