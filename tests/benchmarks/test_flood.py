"""What the rounds of a flood come to."""

from typing import Any

import pytest

from benchmarks.flood.figures import flood_figures
from benchmarks.flood.storm import Beside


def phase(p99_ms: float, hub: float, *, flood_per_s: float = 20_000.0, is_clean: bool = True) -> dict[str, Any]:
    return {
        "latency_ms": {"p50": 1.0, "p99": p99_ms},
        "flood_per_s": flood_per_s,
        "share": {"hub": hub, "broker": 0.1, "healthy": 0.1, "others": 0.0, "flood": 0.2},
        "memory_mb": {"peak": 300.0},
        "verdict": {"is_clean": is_clean},
    }


def a_round(calm_ms: float, floor_ms: float, stormy_ms: float, *, is_clean: bool = True) -> dict[str, Any]:
    return {
        Beside.NOTHING.value: phase(calm_ms, 0.1),
        Beside.UNHEARD.value: phase(floor_ms, 0.1),
        Beside.MALFORMED.value: phase(stormy_ms, 0.15, is_clean=is_clean),
    }


def figures(*rounds: dict[str, Any]) -> dict[str, float | None]:
    found = flood_figures({"rounds": list(rounds), "cores": 2}, rate=20_000)
    return {figure.name: figure.value for figure in found}


def test_the_ratio_is_that_of_medians_and_its_floor_stands_beside_it() -> None:
    found = figures(a_round(10, 12, 15), a_round(8, 14, 20), a_round(12, 500, 900))
    assert found["flood.ratio"] == pytest.approx(20 / 10)
    assert found["flood.ratio_of_floor"] == pytest.approx(14 / 10)
    assert found["flood.ratio_to_floor"] == pytest.approx(20 / 14)


def test_the_hubs_cpu_a_malformed_message_is_what_it_works_more_than_beside_the_control() -> None:
    assert figures(a_round(10, 12, 15))["flood.hub_us"] == pytest.approx(0.05 * 2 / 20_000 * 1e6)


def test_a_phase_that_lost_something_is_counted() -> None:
    assert figures(a_round(10, 12, 15), a_round(10, 12, 15, is_clean=False))["flood.lost"] == 1
