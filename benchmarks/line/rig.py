"""One subject on one broker, a listener beside it: publishes a phase, waits until all is done, verifies, measures."""

import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.broker import PANEL, PLATFORM, Mosquitto
from benchmarks.line.listener import Listening, heard, listen
from benchmarks.line.log import Count, Counts, PublicationLog
from benchmarks.line.publisher import Order, Pace, publish
from benchmarks.line.subject import Place, Running, Subject
from benchmarks.line.verification import Published, Verdict, latencies_ms, verify
from benchmarks.line.workload import Fleet
from benchmarks.processes import CpuUse, cpu_of, machine_busy_s, pss_mb

_SPAWN = multiprocessing.get_context("spawn")
_POLL_S = 0.1
# What is still under way when all is stored and told: acknowledgements, positions, published marks.
_SETTLE_S = 1.0
# Alarms that have not come so long after everything was stored and nothing else came do not come.
_SILENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """How a phase publishes; see `benchmarks.line.publisher.Order`."""

    pace: Pace
    messages: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    lag: int = 30_000
    done_within_s: float = 120.0
    memory_every_s: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a phase gave. CPU in seconds, memory in MB (sum of PSS) by kind of process, latencies in ms."""

    published: Published
    verdict: Verdict
    is_done: bool
    publishing_s: float
    done_s: float
    latencies_ms: np.ndarray
    cpu: CpuUse
    broker_cpu_s: float
    publisher_cpu_s: float
    others_share: float
    """Share of the machine that went to processes that are no part of this: with more than a few hundredths, measure
    again when it is quiet."""
    machine_s: float
    """Core-seconds that the machine had while all this was used, of every core."""
    memory: "MemoryWatch"


@dataclass
class MemoryWatch:
    """Samples the memory of a tree every so often, in a thread, until told to end."""

    pids: list[int]
    every_s: float
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._sample()

    @property
    def peak(self) -> Mapping[str, float]:
        """The sample with the greatest sum."""
        return max((sample for _, sample in self.samples), key=lambda sample: sum(sample.values()))

    def _watch(self) -> None:
        self._sample()
        while not self._ended.wait(self.every_s):
            self._sample()

    def _sample(self) -> None:
        self.samples.append((time.monotonic(), pss_mb(self.pids)))


class Bystanders:
    """How much of the machine was used by processes other than this one and its descendants."""

    def __init__(self) -> None:
        self._began, self._busy_s, self._own_s = time.monotonic(), machine_busy_s(), cpu_of([os.getpid()]).total_s

    @property
    def machine_s(self) -> float:
        """Core-seconds that the machine has had since this was made."""
        return (time.monotonic() - self._began) * (os.cpu_count() or 1)

    def share(self) -> float:
        """Since this was made; 1.0 is every core all the time."""
        busy_s = machine_busy_s() - self._busy_s
        own_s = cpu_of([os.getpid()]).total_s - self._own_s
        return max(0.0, busy_s - own_s) / self.machine_s


@dataclass
class Rig:
    """`run` phases one after the other."""

    subject: Running
    broker: Mosquitto
    fleet: Fleet
    folder: Path
    _phases: int = 0

    @property
    def _counts(self) -> Counts:
        return Counts(self.folder / "counts")

    def memory(self) -> dict[str, float]:
        return pss_mb(self.subject.pids)

    def cpu(self) -> CpuUse:
        return cpu_of(self.subject.pids)

    def run(self, load: Load) -> Outcome:
        """Publishes the load and waits until all of it is stored and told. Raises PublisherFailed."""
        self._phases += 1
        order = self._order(load)
        heard_before = len(heard(self.folder / "alarms"))
        watch = MemoryWatch(list(self.subject.pids), load.memory_every_s)
        watch.start()
        before, broker_before = self.cpu(), cpu_of([self.broker.pid])
        bystanders = Bystanders()
        _run_to_end(order)
        ended = time.monotonic_ns()
        published = self._published(order)
        done_ns = self._wait_until_done(published, heard_before, load.done_within_s)
        time.sleep(_SETTLE_S)
        cpu, broker_cpu = self.cpu().since(before), cpu_of([self.broker.pid]).since(broker_before)
        others_share, machine_s = bystanders.share(), bystanders.machine_s
        watch.end()
        alarms = heard(self.folder / "alarms")[heard_before:]
        stored = self.subject.stored(start_ms=int(published.log.ts_ms[0]), end_ms=int(published.log.ts_ms[-1]) + 1)
        first = int(published.log.sent_ns[0])
        return Outcome(
            published=published,
            verdict=verify(published, stored, alarms),
            is_done=done_ns is not None,
            publishing_s=(ended - first) / 1e9,
            done_s=((done_ns or time.monotonic_ns()) - first) / 1e9,
            latencies_ms=latencies_ms(published, alarms),
            cpu=cpu,
            broker_cpu_s=broker_cpu.total_s,
            publisher_cpu_s=float(order.spent.read_text()),
            others_share=others_share,
            machine_s=machine_s,
            memory=watch,
        )

    def _order(self, load: Load) -> Order:
        name = f"phase-{self._phases}"
        counts = self._counts
        for which in (Count.PUBLISHED, Count.ACKNOWLEDGED):
            counts[which] = 0
        return Order(
            login=self.broker.login(PLATFORM, client_id=f"bench-{name}"), fleet=self.fleet,
            log=self.folder / f"{name}.log", counts=self.folder / "counts", spent=self.folder / f"{name}.spent",
            pace=load.pace, messages=load.messages, seconds=load.seconds, rate=load.rate, lag=load.lag,
        )  # fmt: skip

    def _published(self, order: Order) -> Published:
        counts = self._counts
        log = PublicationLog.read(order.log, published=counts[Count.PUBLISHED])
        order.log.unlink()
        return Published(log=log, fleet=self.fleet, crossings_until=counts[Count.CROSSINGS_UNTIL])

    def _wait_until_done(self, published: Published, heard_before: int, within_s: float) -> int | None:
        """When everything was stored and told (monotonic ns); None when it was not in time."""
        wanted = heard_before + len(published.alarms)
        last = _last_of_each_device(published)
        deadline = time.monotonic() + within_s
        told_at, told = time.monotonic(), 0
        while time.monotonic() < deadline:
            now_told = self._counts[Count.ALARMS_HEARD]
            if now_told > told:
                told, told_at = now_told, time.monotonic()
            if told >= wanted or time.monotonic() - told_at > _SILENCE_S:
                asked_ns = time.monotonic_ns()
                if bool(np.all(self.subject.newest_ms() >= last)):
                    return asked_ns if told >= wanted else None
            time.sleep(_POLL_S)
        return None


class PublisherFailed(RuntimeError):
    """The publisher could not publish everything; its words are on the terminal."""


@contextmanager
def running_rig(subject: Subject, place: Place) -> Iterator[Rig]:
    """The subject on the broker, warmed up: it has heard every device once and told an alarm."""
    folder = place.folder / "bench"
    folder.mkdir(parents=True)
    with _listener(place, folder), subject.start(place) as running:
        rig = Rig(running, place.broker, place.fleet, folder)
        yield rig


@contextmanager
def _listener(place: Place, folder: Path) -> Iterator[None]:
    order = Listening(
        login=place.broker.login(PANEL, client_id="bench-panel"), records=folder / "alarms",
        counts=folder / "counts", ready=folder / "listening",
    )  # fmt: skip
    process = _SPAWN.Process(target=listen, args=(order,), name="alarm listener", daemon=True)
    process.start()
    while not order.ready.exists():
        if not process.is_alive():
            raise PublisherFailed("the alarm listener could not connect to the broker")
        time.sleep(0.02)
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _run_to_end(order: Order) -> None:
    process = _SPAWN.Process(target=publish, args=(order,), name="publisher")
    process.start()
    try:
        process.join()
    finally:
        with contextlib.suppress(AttributeError):
            process.terminate()
    if process.exitcode != 0:
        raise PublisherFailed("the publisher could not publish everything")


def _last_of_each_device(published: Published) -> np.ndarray:
    devices = published.fleet.devices
    last = np.zeros(devices, np.int64)
    numbers = published.numbers[-devices:]
    last[numbers % devices] = published.log.ts_ms[numbers]
    return last
