"""The part of the bench for models in the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.part import Aim, Context, Details, Figure
from benchmarks.predictive.beside import alarms_beside_models
from benchmarks.predictive.learning import learnt_in_processes
from benchmarks.predictive.streaming import streamed

_EQUIPMENT, _QUICK_EQUIPMENT = 5_000, 1_000
_LEARNT, _QUICK_LEARNT = 1_000, 40
_READINGS_A_SECOND = 20_000


@dataclass(frozen=True)
class PredictivePart:
    name: str = "predictive"
    words: str = "models: readings a second by all detectors, learning 1,000 machines, what alarms lose beside them"

    def measure(self, context: Context) -> Details:
        streaming = streamed(
            _QUICK_EQUIPMENT if context.is_quick else _EQUIPMENT, minutes=10 if context.is_quick else 60
        )
        context.say(f"{streaming['readings'] / streaming['took_s']:,.0f} readings a second on one core")
        learning = learnt_in_processes(_QUICK_LEARNT if context.is_quick else _LEARNT)
        context.say(f"{learning['equipment']:,} machines learnt in {learning['seconds']:.0f} s")
        return {"streaming": streaming, "learning": learning, **alarms_beside_models(context)}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [*_streaming(details["streaming"]), *_learning(details["learning"]), *_beside(details)]


def _streaming(found: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure(
            name="predictive.speed",
            words=f"readings a second, {found['equipment']:,} machines of six points, all detectors, one core",
            value=found["readings"] / found["took_s"], unit="readings/s", aim=Aim(at_least=_READINGS_A_SECOND),
            note=", ".join(found["detectors"]),
        ),
        Figure(
            name="predictive.longest", words="the longest that judging a minute of all of them took",
            value=found["longest_s"], unit="s",
        ),
        Figure(
            name="predictive.checkpoint", words="a checkpoint of all of them", value=found["checkpoint_s"], unit="s",
            note=f"{found['checkpoint_bytes'] / 1e6:.0f} MB",
        ),
    ]  # fmt: skip


def _learning(found: Mapping[str, Any]) -> list[Figure]:
    # As if exactly a thousand were learnt.
    share = 1_000 / found["equipment"]
    words = f"learning 1,000 machines from {found['days']} days of minutes, {found['processes']} processes"
    return [
        Figure(
            name="predictive.learning", words=words, value=found["seconds"] * share, unit="s", aim=Aim(at_most=300)
        ),
        Figure(
            name="predictive.learning.memory", words="memory of all its processes", value=found["peak_mb"], unit="MB",
            aim=Aim(at_most=2_048),
        ),
    ]  # fmt: skip


def _beside(details: Mapping[str, Any]) -> list[Figure]:
    columns = {"off": "without models", "on": "with models"}
    figures = []
    middle = {name: median(each["p99_ms"] for each in details["beside"][name]) for name in columns}
    for name, column in columns.items():
        some = details["beside"][name]
        figures += [
            Figure(
                name=f"predictive.alarm.p99.{name}", words=f"alarm p99 at {details['rate']:,} messages/s",
                value=middle[name], unit="ms", column=column,
                note=" / ".join(f"{each['p99_ms']:.1f}" for each in some),
            ),
            Figure(
                name=f"predictive.memory.{name}", words="memory of the hub and its servers",
                value=max(each["memory_mb"] for each in some), unit="MB", column=column,
            ),
        ]  # fmt: skip
    grown = Figure(
        name="predictive.alarm.p99.growth", words="what models add to it", value=middle["on"] - middle["off"],
        unit="ms", aim=Aim(at_most=5.0), column=columns["on"],
    )  # fmt: skip
    return [*figures, grown]
