"""A load beside a flood: what it took, how the flood went, and which part of the machine each of them had."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from benchmarks.broker import BYSTANDER, PLATFORM, Mosquitto
from benchmarks.flood.flooder import Flood, flood, malformed, unheard
from benchmarks.line.phases import kept
from benchmarks.line.rig import Load, Outcome, Rig
from benchmarks.processes import cpu_of

_SPAWN = multiprocessing.get_context("spawn")
_CORES = os.cpu_count() or 1
_GATHERS_S = 1.0


class Beside(StrEnum):
    """What the healthy devices have beside them.

    UNHEARD is the control: the same messages at the same rate, on a topic that nobody has subscribed to. What it costs
    the healthy is what the flood's publisher and the broker's taking it in make of a machine that all of them share.
    """

    NOTHING = "calm"
    UNHEARD = "floor"
    MALFORMED = "stormy"


@dataclass
class Flooding:
    """A flood that goes on. `taken`: how many messages the broker has acknowledged so far."""

    pid: int
    _acknowledged: Any

    @property
    def taken(self) -> int:
        return int(self._acknowledged.value)

    @property
    def cpu_s(self) -> float:
        return cpu_of([self.pid]).total_s


@contextmanager
def flooding(broker: Mosquitto, order: Flood) -> Iterator[Flooding]:
    """A flood until the end of the block, from a process of its own."""
    acknowledged, ended = _SPAWN.Value("q", 0), _SPAWN.Event()
    process = _SPAWN.Process(target=flood, args=(order, acknowledged, ended), name="flood", daemon=True)
    process.start()
    assert process.pid is not None
    try:
        yield Flooding(process.pid, acknowledged)
    finally:
        ended.set()
        process.join(10)
        process.terminate()


def run_beside(rig: Rig, load: Load, beside: Beside, *, rate: float) -> dict[str, Any]:
    """As `kept`, and `share`: by whom the machine was used while the phase lasted, 1.0 is every core all the time.

    Beside a flood also `flood_per_s`: messages a second that the broker has said it has.
    """
    if beside is Beside.NOTHING:
        outcome = rig.run(load)
        return kept(outcome) | {"share": _shares(outcome)}
    with flooding(rig.broker, _order(rig.broker, beside, rate)) as going:
        time.sleep(_GATHERS_S)
        taken, spent_s, began = going.taken, going.cpu_s, time.monotonic()
        outcome = rig.run(load)
        seconds = time.monotonic() - began
        messages, flood_cpu_s = going.taken - taken, going.cpu_s - spent_s
    return kept(outcome) | {
        "share": _shares(outcome) | {"flood": flood_cpu_s / seconds / _CORES},
        "flood_per_s": messages / seconds,
    }


def _shares(outcome: Outcome) -> dict[str, float]:
    """The publishers are descendants of the bench, so that the others are nobody of ours."""
    machine_s = outcome.machine_s
    return {
        "hub": outcome.cpu.total_s / machine_s,
        "broker": outcome.broker_cpu_s / machine_s,
        "healthy": outcome.publisher_cpu_s / machine_s,
        "others": outcome.others_share,
    }


def _order(broker: Mosquitto, beside: Beside, rate: float) -> Flood:
    is_heard = beside is Beside.MALFORMED
    login = broker.login(PLATFORM if is_heard else BYSTANDER, client_id=f"bench-{beside}")
    return Flood(login=login, messages=malformed() if is_heard else unheard(), rate=rate)
