"""The part of the bench that uses the desk's API over a million work orders."""

import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.line.rig import Bystanders
from benchmarks.orders.company import Company, running_company
from benchmarks.orders.history import HistoryPlan
from benchmarks.orders.questions import EVERY_SORT, LISTS, OTHERS, UNDER_LOAD, ListQuestion, Question
from benchmarks.part import Aim, Context, Details, Figure
from benchmarks.processes import pss_mb

_CACHE = Path("var") / "bench"
_LOAD_S, _QUICK_LOAD_S = 8, 3
# Of each list in each sort; other questions are asked as often as a list in all its sorts.
_TIMES, _QUICK_TIMES = 12, 2
# A question that takes a second each time is known well enough after some of them.
_AT_MOST_S = 30.0
_LISTS_AIM_MS = 50.0

Paths = Iterator[str]


@dataclass(frozen=True)
class OrdersPart:
    """The desk's lists and pages through `hub serve`, on a database that is made once and kept under var/bench."""

    name: str = "orders"
    words: str = "the desk's API over 1,000,000 work orders: lists, counts, pages, requests a second"

    def measure(self, context: Context) -> Details:
        plan = HistoryPlan(orders=100_000 if context.is_quick else 1_000_000)
        folder = _CACHE / f"orders-{plan.orders}"
        times = _QUICK_TIMES if context.is_quick else _TIMES
        with running_company(folder, plan, say=context.say) as company:
            bystanders = Bystanders()
            cold = [took for name, one in LISTS.items() for took in _asked(company, _lists(one, plan, f"cold {name}"))]
            context.say(f"each list in each sort, once after the start: p99 {_spread(cold)['p99']:.0f} ms")
            took = {name: _asked(company, _lists(one, plan, name, times=times)) for name, one in LISTS.items()}
            lists = [ms for name in LISTS for ms in took[name]]
            for name, other in OTHERS.items():
                took[name] = _asked(company, _others(other, plan, name, times=times * len(EVERY_SORT)))
            context.say(f"each list in each sort, {times} times: p99 {_spread(lists)['p99']:.0f} ms")
            load_s = _QUICK_LOAD_S if context.is_quick else _LOAD_S
            load = {name: _load(company, one, seconds=load_s) for name, one in UNDER_LOAD.items()}
            others_share = bystanders.share()
            memory = pss_mb([company.pid])
        return {
            "plan": asdict(plan), "questions": {name: _spread(some) for name, some in took.items()},
            "lists": _spread(lists), "cold": _spread(cold), "load": load, "pss_mb": dict(memory),
            "others_share": others_share,
        }  # fmt: skip

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        lists, cold, others = details.get("lists", {}), details.get("cold", {}), details.get("others_share")
        return [
            Figure(
                name="orders.lists.p99", words="all lists of work orders below, p99", value=lists.get("p99"),
                unit="ms", aim=Aim(at_most=_LISTS_AIM_MS),
            ),
            Figure(
                name="orders.lists.cold_p99", words="the same, each asked once right after the start, p99",
                value=cold.get("p99"), unit="ms",
            ),
            *_asked_figures(details["questions"]),
            *_load_figures(details["load"]),
            Figure(
                name="orders.others", words="share of the machine used by others",
                value=None if others is None else others * 100, unit="%",
            ),
        ]  # fmt: skip


def _asked_figures(took: Mapping[str, Mapping[str, float]]) -> list[Figure]:
    found: list[Figure] = []
    asked: dict[str, ListQuestion | Question] = {**LISTS, **OTHERS}
    for name, question in asked.items():
        p99 = Aim(at_most=_LISTS_AIM_MS) if name in LISTS else None
        for share, aim in (("p50", None), ("p99", p99)):
            value = took.get(name, {}).get(share)
            found.append(
                Figure(
                    name=f"orders.{name}.{share}", words=f"{question.words}, {share}", value=value, unit="ms", aim=aim
                )
            )
    return found


def _load_figures(loads: Mapping[str, Mapping[str, float] | None]) -> list[Figure]:
    found: list[Figure] = []
    for name, question in UNDER_LOAD.items():
        load = loads.get(name) or {}
        words = f"{question.words}: 8 at once"
        note = "" if load else "needs wrk: apt-get install wrk"
        found += [
            Figure(name=f"orders.{name}.rate", words=words, value=load.get("rate"), unit="requests/s", note=note),
            Figure(
                name=f"orders.{name}.loaded_p99", words=f"{words}, p99", value=load.get("p99"), unit="ms", note=note
            ),
            Figure(
                name=f"orders.{name}.errors", words=f"{words}, answers that were errors", value=load.get("failed"),
                aim=Aim(at_most=0), note=note,
            ),
        ]  # fmt: skip
    return found


def _lists(question: ListQuestion, plan: HistoryPlan, seed: str, *, times: int = 1) -> Paths:
    """Every sort in turn, so that whoever stops early has asked all; every other time any page, else the first."""
    chance = random.Random(seed)  # noqa: S311 - draws questions, guards nothing
    for number in range(times):
        for at, sort in enumerate(EVERY_SORT):
            yield question.path(chance, plan, sort=sort, is_deep=(number + at) % 2 == 1)


def _others(question: Question, plan: HistoryPlan, seed: str, *, times: int) -> Paths:
    chance = random.Random(seed)  # noqa: S311 - draws questions, guards nothing
    for _ in range(times):
        yield question.path(chance, plan)


def _asked(company: Company, paths: Paths) -> list[float]:
    """Milliseconds of each answer, one after the other; fewer than there are paths where they are slow."""
    took: list[float] = []
    connection = company.connect()
    until = time.monotonic() + _AT_MOST_S
    for path in paths:
        begun = time.perf_counter()
        company.ask(connection, path)
        took.append((time.perf_counter() - begun) * 1000)
        if time.monotonic() > until:
            break
    connection.close()
    return took


def _spread(took: Sequence[float]) -> dict[str, float]:
    return {
        "p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99)), "max": max(took),
        "asked": float(len(took)),
    }  # fmt: skip


def _load(company: Company, question: Question, *, seconds: int) -> dict[str, float] | None:
    """Requests a second and their 99th percentile, ms; None without wrk."""
    program = shutil.which("wrk")
    if program is None:
        return None
    chance = random.Random(7)  # noqa: S311 - draws a question, guards nothing
    url = f"http://127.0.0.1:{company.port}{question.path(chance, company.plan)}"
    done = subprocess.run(
        [program, "-t1", "-c8", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {company.token}", url],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
    )  # fmt: skip
    return parse_wrk(done.stdout)


def parse_wrk(text: str) -> dict[str, float]:
    """Requests a second, the 99th percentile in ms, and how many were answered by an error or not at all."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    unanswered = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if rate is None or p99 is None:
        raise ValueError(f"wrk printed neither rate nor latency:\n{text}")
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99.group(2)]
    return {
        "rate": float(rate.group(1)),
        "p99": float(p99.group(1)) * scale,
        "failed": sum(map(float, (*(bad.groups() if bad else ()), *(unanswered.groups() if unanswered else ())))),
    }
