"""The line bench as a part: every subject through every phase, figures with their aims, ratios to the peers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.broker import running_mosquitto
from benchmarks.line import hub_subject
from benchmarks.line.figures import HUB, figures
from benchmarks.line.phases import Extent, Phase, kept, load_of, memory_kept, rate_of
from benchmarks.line.publisher import Pace
from benchmarks.line.rig import Load, PublisherFailed, Rig, running_rig
from benchmarks.line.subject import Place, Subject, SubjectUnavailable
from benchmarks.line.workload import Fleet
from benchmarks.part import Context, CutShort, Details, Figure

_IDLE_S = 10.0
_PROBE_S = 5.0
# The kernel's own work for loopback and disk is a few hundredths.
_DISTURBED = 0.05
# A subject that is up may still be about to subscribe; what was published before that is not for it.
_PATIENCE_S = (2.0, 4.0, 15.0, 30.0)
# A paced phase above this share of what a subject keeps up with would only measure its queue.
_COMFORTABLE = 0.95


@dataclass(frozen=True, kw_only=True)
class LinePart:
    """`subjects` are measured one after the other, each on a broker of its own; this hub first.

    `own_phases` come last and are this hub's alone.
    """

    name: str = "line"
    words: str = "Reading line: MQTT → every reading stored → alarms on MQTT"
    phases: Sequence[Phase] = (
        Phase.IDLE, Phase.PACED_1000, Phase.PACED_10000, Phase.BURST, Phase.SUSTAINED,
    )  # fmt: skip
    own_phases: Sequence[Phase] = ()
    extent: Extent = field(default_factory=Extent)
    subjects: Sequence[Subject] = field(default_factory=lambda: [hub_subject.subject()])
    devices: int = 2_000

    def measure(self, context: Context) -> Details:
        found: dict[str, Details] = {}
        for subject in self.subjects:
            context.say(f"{subject.name}: starting")
            found[subject.name] = {}
            try:
                self._measure_one(subject, context, into=found[subject.name])
            except (SubjectUnavailable, PublisherFailed) as error:
                found[subject.name]["unavailable"] = str(error)
            except Exception as error:  # a peer's trouble, of whatever kind, must not cost what was measured before
                found[subject.name]["unavailable"] = f"{type(error).__name__}: {error}"
            if reason := found[subject.name].get("unavailable"):
                context.say(f"{subject.name}: {reason}")
        if reason := found.get(HUB, {}).get("unavailable"):
            raise CutShort(f"{HUB}: {reason}", measured={"subjects": found})
        return {"subjects": found}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return figures(details["subjects"])

    def _measure_one(self, subject: Subject, context: Context, *, into: Details) -> None:
        """Phase by phase, so that what fails late leaves what was measured before it."""
        phases = [*self.phases, *(self.own_phases if subject.name == HUB else ())]
        folder = context.folder / subject.name
        folder.mkdir(parents=True)
        with running_mosquitto(folder / "mosquitto") as broker:
            place = Place(folder, broker, Fleet(min(self.devices, subject.most_devices or self.devices)))
            with running_rig(subject, place) as rig:
                into["version"], into["devices"] = subject.version(), place.fleet.devices
                into["probe_per_s"] = self._warm_up(subject, rig, context)
                into["phases"] = {}
                for phase in phases:
                    into["phases"][phase.value] = self._run(phase, rig, into["probe_per_s"], subject, context)

    def _warm_up(self, subject: Subject, rig: Rig, context: Context) -> float:
        """Until every device was heard; then the rate that the subject keeps up with for a few seconds, messages/s.

        Raises SubjectUnavailable when nothing arrives.
        """
        hello = [Load(pace=Pace.BURST, messages=rig.fleet.devices, done_within_s=seconds) for seconds in _PATIENCE_S]
        if not any(rig.run(load).is_done for load in hello):
            raise SubjectUnavailable(f"{subject.name} started but stores nothing")
        lag = self.extent.within(subject.most_at_once).lag
        probe = Load(pace=Pace.FOLLOW, seconds=1.0 if context.is_quick else _PROBE_S, lag=lag)
        outcome = rig.run(probe)
        if not outcome.is_done:
            outcome = rig.run(probe)  # its rule may have needed a moment to be in force
        if not len(outcome.latencies_ms):
            raise SubjectUnavailable(f"{subject.name} stores readings but tells no alarms")
        return outcome.published.messages / outcome.done_s

    def _run(self, phase: Phase, rig: Rig, probe_per_s: float, subject: Subject, context: Context) -> Details:
        if rate_of(phase) > probe_per_s * _COMFORTABLE:
            context.say(f"{subject.name}: {phase.value} skipped, it keeps up with {probe_per_s:,.0f} messages/s")
            return {"skipped": f"keeps up with {probe_per_s:,.0f} messages/s only"}
        load = load_of(phase, self.extent.within(subject.most_at_once))
        if load is None:
            return self._idle(rig)
        context.say(f"{subject.name}: {phase.value}")
        outcome = rig.run(load)
        found = kept(outcome)
        verdict = outcome.verdict
        words = (
            f"{found['rate_per_s']:,.0f} messages/s, {found['cpu_per_100k_s']:.2f} CPU-s/100k, "
            f"latency p50 {found['latency_ms'].get('p50', 0):.1f} p99 {found['latency_ms'].get('p99', 0):.1f} ms, "
            f"{found['memory_mb']['peak']:.0f} MB, " + ("nothing lost or doubled" if verdict.is_clean else str(verdict))
        )
        context.say(f"{subject.name}: {phase.value}: {words}")
        if outcome.others_share > _DISTURBED:
            context.say(
                f"  other processes took {outcome.others_share:.0%} of the machine: measure again when it is quiet"
            )
        return found

    def _idle(self, rig: Rig) -> Details:
        before = rig.cpu()
        time.sleep(_IDLE_S)
        return memory_kept(rig.memory()) | {"cpu_share_of_a_core": rig.cpu().since(before).total_s / _IDLE_S}
