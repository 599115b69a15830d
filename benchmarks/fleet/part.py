"""The part of the bench that counts what would have been ordered for a fleet of which some parts wear out."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.fleet.counting import Tally
from benchmarks.fleet.months import play, read
from benchmarks.fleet.nights import ordered
from benchmarks.part import Aim, Context, Details, Figure

DAYS = 180
MACHINES_OF_A_KIND = 12
FALSE_ORDERS_PER_MONTHS = 50
# Thresholds were chosen on the first; nothing was ever chosen on the others, whose wear takes other ways too.
TUNED_ON = (1, 2, 3, 4, 5, 6)
HELD_OUT = (1001, 1002, 1003, 1004, 1005, 1006)
TUNED_PATHS = ("linear", "exponential", "late-knee", "stepwise")
HELD_OUT_PATHS = ("s-curve", "accelerating", "sawtooth")
COLUMNS: Mapping[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "tuned on": (TUNED_ON, TUNED_PATHS),
    "other seeds": (HELD_OUT, TUNED_PATHS),
    "other shapes of wear": (HELD_OUT, HELD_OUT_PATHS),
}


@dataclass(frozen=True)
class FleetPart:
    name: str = "fleet"
    words: str = "half a year of 60 machines, some of which wear out: what is found in time, and ordered for nothing"

    def measure(self, context: Context) -> Details:
        found: dict[str, Any] = {}
        for column, (seeds, paths) in COLUMNS.items():
            used = seeds[:1] if context.is_quick else seeds
            begun = time.process_time()
            tally = Tally()
            for seed in used:
                self._count(context, tally, seed=seed, paths=paths)
            found[column] = {**tally.plain(), "seeds": list(used), "cpu_s": time.process_time() - begun}
            context.say(f"{column}: {len(used)} fleets judged in {found[column]['cpu_s']:.0f} s of CPU")
        return {"columns": found, "machines": 5 * MACHINES_OF_A_KIND, "days": DAYS}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [
            figure
            for column, counted in details["columns"].items()
            for figure in [*_totals(column, counted), *_by_fault(column, counted)]
        ]

    def _count(self, context: Context, tally: Tally, *, seed: int, paths: Sequence[str]) -> None:
        folder = context.folder / f"{seed}-{paths[0]}"
        play(folder, seed=seed, days=DAYS, machines=MACHINES_OF_A_KIND, paths=paths)
        for group in read(folder):
            for row, standing in enumerate(ordered(group)):
                tally.add(group.kind, standing, group.failures[row], group.edges_ms)
        shutil.rmtree(folder)


def _totals(column: str, counted: Mapping[str, Any]) -> list[Figure]:
    faults, kinds = counted["by_fault"].values(), counted["by_kind"].values()
    failures, found = sum(each["failures"] for each in faults), sum(each["found"] for each in faults)
    months, wrong = sum(each["months"] for each in kinds), sum(each["false_orders"] for each in kinds)
    slug = column.replace(" ", "_")
    return [
        Figure(name=f"fleet.{slug}.failures", words="parts that wore out", column=column, value=failures),
        Figure(name=f"fleet.{slug}.in_time", words="of them found ≥ 7 days before", column=column, value=found),
        Figure(
            name=f"fleet.{slug}.found", words="the same in %", unit="%", column=column,
            value=100 * found / failures if failures else None, aim=Aim(at_least=100),
        ),
        Figure(
            name=f"fleet.{slug}.false_orders", words="false orders per 50 equipment-months", column=column,
            value=FALSE_ORDERS_PER_MONTHS * wrong / months, aim=Aim(at_most=1),
        ),
    ]  # fmt: skip


def _by_fault(column: str, counted: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure(
            name=f"fleet.{column.replace(' ', '_')}.{fault}.lead", words=f"{fault}: median lead", unit="days",
            column=column, value=each["lead_days"], note=_not_in_time(column, each),
        )
        for fault, each in counted["by_fault"].items()
    ]  # fmt: skip


def _not_in_time(column: str, each: Mapping[str, Any]) -> str:
    missed = each["failures"] - each["found"]
    return f"{column}: {missed} of {each['failures']} not in time ({each['late']} later)" if missed else ""
