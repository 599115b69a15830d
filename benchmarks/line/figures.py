"""What the line bench measured as figures: this hub against its aims, each peer beside it, and the ratios."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.line.phases import Phase
from benchmarks.part import Aim, Figure

HUB, NODE_RED = "hub", "node-red"
Measured = Mapping[str, Any]

LATENCY_AIMS = {
    (Phase.PACED_1000, "p50"): Aim(at_most=5),
    (Phase.PACED_1000, "p99"): Aim(at_most=20),
    (Phase.PACED_10000, "p99"): Aim(at_most=60),
}
CPU_AIM, MEMORY_AIM, NOTHING = Aim(at_most=3.3), Aim(at_most=500), Aim(at_most=0)
# "Flat": less than this a minute once warm, which is a gigabyte in a week of full load.
SLOPE_AIM = Aim(at_most=1.0)
RATIO_AIM = Aim(at_least=1.7)
PHASE_WORDS = {
    Phase.IDLE: "idle",
    Phase.PACED_1000: "1,000/s evenly paced",
    Phase.PACED_10000: "10,000/s evenly paced",
    Phase.BURST: "burst",
    Phase.SUSTAINED: "sustained",
    Phase.SOAK: "10,000/s for minutes",
}


def figures(subjects: Mapping[str, Measured]) -> Sequence[Figure]:
    """A column a subject, this hub first; the ratios last."""
    found: list[Figure] = []
    for name in sorted(subjects, key=lambda name: name != HUB):
        found += _of_subject(name, subjects[name])
    return [*found, *(_ratios(subjects) if HUB in subjects else ())]


def _of_subject(name: str, measured: Measured) -> Iterator[Figure]:
    if "unavailable" in measured:
        yield Figure(
            name=f"{name}.available",
            words="not measured, or not to its end",
            value=None,
            column=name,
            note=f"{name}: {measured['unavailable']}",
        )
    if "devices" in measured:
        yield Figure(name=f"{name}.devices", words="devices", value=measured["devices"], column=name)
    phases = _phases(measured)
    for phase in Phase:
        if phase.value in phases:
            yield from _of_phase(name, phase, phases[phase.value])


def _of_phase(name: str, phase: Phase, found: Measured) -> Iterator[Figure]:
    is_hub = name == HUB
    words = PHASE_WORDS[phase]

    def figure(key: str, label: str, value: float | None, unit: str, aim: Aim | None = None) -> Figure:
        return Figure(
            name=f"{name}.{phase.value}.{key}", words=f"{words}: {label}", value=value, unit=unit, column=name,
            aim=aim if is_hub else None,
        )  # fmt: skip

    if "skipped" in found:
        yield Figure(
            name=f"{name}.{phase.value}", words=f"{words}: skipped", value=None, column=name, note=found["skipped"]
        )
        return
    if phase is Phase.IDLE:
        yield figure("memory", "memory", found["memory_mb"]["peak"], "MB", MEMORY_AIM)
        yield figure("cpu", "share of a core", found["cpu_share_of_a_core"] * 100, "%")
        return
    if phase in (Phase.PACED_1000, Phase.PACED_10000, Phase.SOAK):
        for quantile in ("p50", "p99"):
            value = found["latency_ms"].get(quantile)
            yield figure(quantile, f"alarm latency {quantile}", value, "ms", LATENCY_AIMS.get((phase, quantile)))
    else:
        yield figure("rate", "messages stored and judged a second", found["rate_per_s"], "msg/s")
    yield figure(
        "cpu", "CPU per 100,000 messages", found["cpu_per_100k_s"], "CPU-s", CPU_AIM if phase is Phase.BURST else None
    )
    yield figure("memory", "memory, peak", found["memory_mb"]["peak"], "MB", MEMORY_AIM)
    if phase is Phase.SOAK:
        yield figure("slope", "memory growth once warm", found["memory_mb"]["slope_per_minute"], "MB/min", SLOPE_AIM)
    yield figure("others", "share of the machine used by others", found.get("others_share", 0.0) * 100, "%")
    verdict = found["verdict"]
    yield figure("lost", "readings and alarms lost", _sum(verdict, "lost"), "", NOTHING)
    yield figure("doubled", "doubled or altered", _sum(verdict, "doubled", "foreign"), "", NOTHING)


def _sum(verdict: Measured, *kinds: str) -> float:
    return float(sum(verdict[f"{what}_{kind}"] for what in ("readings", "alarms") for kind in kinds))


def _ratios(subjects: Mapping[str, Measured]) -> Iterator[Figure]:
    """This hub's sustained rate by each peer's, in the same run; and what it spends by what the peer spends."""
    own = _phases(subjects[HUB])
    for peer in sorted(set(subjects) - {HUB}):
        other = _phases(subjects[peer])
        for phase, key, words in (
            (Phase.SUSTAINED, "rate_per_s", "sustained rate"),
            (Phase.BURST, "cpu_per_100k_s", "CPU per 100,000 messages in a burst"),
        ):
            mine, theirs = own.get(phase.value, {}).get(key), other.get(phase.value, {}).get(key)
            if mine and theirs:
                is_aim = peer == NODE_RED and phase is Phase.SUSTAINED
                yield Figure(
                    name=f"ratio.{peer}.{key}", words=f"{words}, this hub to the peer", value=mine / theirs, unit=": 1",
                    column=peer,
                    aim=RATIO_AIM if is_aim else None,
                )  # fmt: skip


def _phases(measured: Measured) -> Mapping[str, Any]:
    found: Mapping[str, Any] = measured.get("phases", {})
    return found
