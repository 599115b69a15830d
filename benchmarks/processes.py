"""What a tree of processes costs: CPU-seconds (of those that ended, too) and memory as a sum of PSS, from /proc."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.memory import proportional_bytes

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessStat:
    """One process. `cpu_s` is its own, `reaped_cpu_s` that of its ended children and theirs."""

    pid: int
    parent: int
    name: str
    cpu_s: float
    reaped_cpu_s: float


def stat_of(pid: int) -> ProcessStat | None:
    """None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold spaces and brackets: what follows the last bracket is regular.
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    own, reaped = (int(fields[at]) + int(fields[at + 1]) for at in (11, 13))
    return ProcessStat(pid, int(fields[1]), name, own / _TICKS_A_SECOND, reaped / _TICKS_A_SECOND)


def tree(roots: Iterable[int]) -> list[ProcessStat]:
    """The processes and all their living descendants."""
    every = [one for entry in os.listdir("/proc") if entry.isdigit() and (one := stat_of(int(entry)))]
    children: dict[int, list[ProcessStat]] = defaultdict(list)
    for process in every:
        children[process.parent].append(process)
    wanted = set(roots)
    waiting = [process for process in every if process.pid in wanted]
    found: dict[int, ProcessStat] = {}
    while waiting:
        process = waiting.pop()
        if process.pid not in found:
            found[process.pid] = process
            waiting += children[process.pid]
    return list(found.values())


@dataclass(frozen=True)
class CpuUse:
    """CPU-seconds of a tree, by kind of process. A process that ended is counted with the one that waited for it."""

    by_kind: Mapping[str, float]

    @property
    def total_s(self) -> float:
        return sum(self.by_kind.values())

    def since(self, before: "CpuUse") -> "CpuUse":
        spent = {kind: seconds - before.by_kind.get(kind, 0.0) for kind, seconds in self.by_kind.items()}
        # A kind whose processes have all ended since is in the sum of whoever waited for them.
        gone = {kind: -seconds for kind, seconds in before.by_kind.items() if kind not in self.by_kind}
        return CpuUse(spent | gone)


def cpu_of(roots: Iterable[int]) -> CpuUse:
    """Of the living, with what their ended children used."""
    by_kind: dict[str, float] = defaultdict(float)
    for process in tree(roots):
        by_kind[_kind(process)] += process.cpu_s + process.reaped_cpu_s
    return CpuUse(dict(by_kind))


def machine_busy_s() -> float:
    """CPU-seconds that all processors together have worked since the machine started, for whomever."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = (int(field) for field in fields[:7])
    return (user + nice + system + interrupts + soft_interrupts) / _TICKS_A_SECOND


def pss_mb(roots: Iterable[int]) -> dict[str, float]:
    """Proportional memory by kind of process, MB (10**6 bytes): pages that several share are divided among them."""
    by_kind: dict[str, float] = defaultdict(float)
    for process in tree(roots):
        by_kind[_kind(process)] += proportional_bytes(process.pid) / 1e6
    return dict(by_kind)


def _kind(process: ProcessStat) -> str:
    """What to call it in a table: the program, for the hub's own processes with their role."""
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode("utf-8", errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return process.name
    if process.name.startswith("postgres"):
        return "postgres"
    if "python" in Path(words[0]).name:
        return " ".join([word for word in words[1:] if word and word not in ("-m", "-c") and len(word) < 40][:3])
    return process.name
