"""What the rounds of a flood come to: the healthy's latency, and who had how much of the machine. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import getitem
from statistics import median
from typing import Any

from benchmarks.flood.storm import Beside
from benchmarks.part import Aim, Figure

COLUMNS = {
    Beside.NOTHING: "alone",
    Beside.UNHEARD: "beside a flood nobody hears",
    Beside.MALFORMED: "beside malformed messages",
}
_SHARES = {
    "flood": "the flood's publisher",
    "broker": "the broker",
    "healthy": "the healthy's publisher",
    "hub": "the hub, every process of it",
    "others": "nobody of the bench",
}


def flood_figures(details: Mapping[str, Any], *, rate: float) -> list[Figure]:
    """Pure. Of each company the median of the rounds."""
    rounds: list[dict[str, Any]] = details["rounds"]
    p99_ms = {beside: _median(rounds, beside, "latency_ms", "p99") for beside in Beside}
    calm_ms, floor_ms, stormy_ms = p99_ms[Beside.NOTHING], p99_ms[Beside.UNHEARD], p99_ms[Beside.MALFORMED]
    lost = [beside for found in rounds for beside in Beside if not found[beside]["verdict"]["is_clean"]]
    return [
        *_row("p99", "healthy, alarm p99", p99_ms, "ms"),
        *_row("p50", "healthy, alarm p50", {each: _median(rounds, each, "latency_ms", "p50") for each in Beside}, "ms"),
        Figure(
            name="flood.ratio", words="p99 times alone", value=stormy_ms / calm_ms, aim=Aim(at_most=2),
            column=COLUMNS[Beside.MALFORMED],
        ),
        Figure(
            name="flood.ratio_of_floor", words="p99 times alone", value=floor_ms / calm_ms,
            column=COLUMNS[Beside.UNHEARD],
        ),
        Figure(
            name="flood.ratio_to_floor", words="p99 times that beside a flood nobody hears", value=stormy_ms / floor_ms,
            column=COLUMNS[Beside.MALFORMED],
        ),
        *(
            Figure(
                name=f"flood.rate.{beside.value}", words="flood, taken by the broker",
                value=_median(rounds, beside, "flood_per_s"), unit="/s", aim=Aim(at_least=0.9 * rate),
                column=COLUMNS[beside],
            )
            for beside in (Beside.UNHEARD, Beside.MALFORMED)
        ),
        *_share_figures(rounds),
        Figure(
            name="flood.hub_us", words="the hub's CPU a malformed message, every process of it",
            value=_hub_us(rounds, cores=details["cores"]), unit="µs", column=COLUMNS[Beside.MALFORMED],
        ),
        Figure(
            name="flood.lost", words="phases in which something healthy was lost or doubled", value=len(lost),
            aim=Aim(at_most=0), column=COLUMNS[Beside.MALFORMED],
        ),
        Figure(
            name="flood.memory", words="memory at its peak", unit="MB", aim=Aim(at_most=500),
            value=_median(rounds, Beside.MALFORMED, "memory_mb", "peak"), column=COLUMNS[Beside.MALFORMED],
        ),
    ]  # fmt: skip


def _share_figures(rounds: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Who had how much of the machine: where it is full, waiting is nobody's fault but the machine's."""
    for key, words in _SHARES.items():
        values = {beside: 100 * _median(rounds, beside, "share", key) for beside in Beside if _has(rounds, beside, key)}
        yield from _row(f"share.{key}", f"share of the machine's CPU: {words}", values, "%")


def _hub_us(rounds: Sequence[Mapping[str, Any]], *, cores: int) -> float:
    """What the hub works more than beside the control, a malformed message."""
    more = _median(rounds, Beside.MALFORMED, "share", "hub") - _median(rounds, Beside.UNHEARD, "share", "hub")
    return more * cores / _median(rounds, Beside.MALFORMED, "flood_per_s") * 1e6


def _row(name: str, words: str, values: Mapping[Beside, float], unit: str) -> Iterator[Figure]:
    for beside, value in values.items():
        yield Figure(name=f"flood.{beside.value}.{name}", words=words, value=value, unit=unit, column=COLUMNS[beside])


def _has(rounds: Sequence[Mapping[str, Any]], beside: Beside, share: str) -> bool:
    return all(share in found[beside]["share"] for found in rounds)


def _median(rounds: Sequence[Mapping[str, Any]], beside: Beside, *path: str) -> float:
    return median(float(reduce(getitem, path, found[beside])) for found in rounds)
