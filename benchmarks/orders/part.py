"""The part of the bench that uses the desk's API over a million work orders."""

import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.line.rig import Bystanders
from benchmarks.orders.company import Company, id_of, running_company
from benchmarks.orders.history import HistoryPlan
from benchmarks.part import Aim, Context, Details, Figure
from benchmarks.processes import pss_mb
from ticketing.listing_repository import DEEPEST

_CACHE = Path("var") / "bench"
_SORTS = ("-opened_at", "priority", "response_due_at", "resolution_due_at", "number", "state")
_SORTED = tuple(sort.removeprefix("-") for sort in _SORTS)
_WORDS = ("漏水", "燃气", "停水", "电梯困人", "LIFT-3", "路灯不亮", "WO-2025")
_STATES = ("new", "dispatched", "in_progress", "on_hold", "done", "closed", "cancelled", "verified")

Query = dict[str, str]


@dataclass(frozen=True)
class Question:
    """What is asked, again and again with other values. `path` draws one."""

    words: str
    path: Callable[[random.Random, HistoryPlan], str]
    aim_ms: float | None = 50.0


def _list(chance: random.Random, **wanted: str | int) -> str:
    return f"/api/v1/work-orders?{urlencode({'sort': chance.choice(_SORTS), 'limit': 50} | wanted)}"


def _site(chance: random.Random, plan: HistoryPlan) -> str:
    return str(id_of(1, chance.randrange(plan.sites)))


def _building(chance: random.Random, plan: HistoryPlan) -> str:
    return str(id_of(2, chance.randrange(plan.sites * plan.buildings_a_site)))


def _equipment(chance: random.Random, plan: HistoryPlan) -> str:
    return str(id_of(3, chance.randrange(plan.sites * plan.buildings_a_site * plan.equipment_a_building)))


def _person(chance: random.Random, plan: HistoryPlan) -> str:
    return str(id_of(4, chance.randrange(plan.sites * plan.staff_a_site)))


def _days_ago(chance: random.Random, days: Sequence[int]) -> str:
    return (datetime.now(UTC) - timedelta(days=chance.choice(days))).isoformat()


def _direction(chance: random.Random) -> str:
    return chance.choice(("", "-"))


QUESTIONS: Mapping[str, Question] = {
    "open": Question("open orders, any sort", lambda c, p: _list(c, open="true")),
    "site": Question("all orders of a site, any sort", lambda c, p: _list(c, site=_site(c, p))),
    "site_open": Question("open orders of a site, any sort", lambda c, p: _list(c, site=_site(c, p), open="true")),
    "overdue": Question("overdue orders, any sort", lambda c, p: _list(c, overdue="true")),
    "state": Question("orders in a state, any sort", lambda c, p: _list(c, state=c.choice(_STATES))),
    "site_state_priority": Question(
        "orders of a site, in a state, of a priority, any sort",
        lambda c, p: _list(c, site=_site(c, p), state=c.choice(_STATES), priority=c.randint(1, 4)),
    ),
    "priority_open": Question(
        "open orders of a priority", lambda c, p: _list(c, open="true", priority=c.randint(1, 4))
    ),
    "building": Question("all orders of a building", lambda c, p: _list(c, building=_building(c, p))),
    "equipment": Question("all orders of an equipment", lambda c, p: _list(c, equipment=_equipment(c, p))),
    "assignee": Question("all orders of a person", lambda c, p: _list(c, assignee=_person(c, p))),
    "deep": Question(
        "a page far down: up to 10,000 rows skipped",
        lambda c, p: _list(c, sort=c.choice(("-opened_at", "opened_at", "number")), offset=c.randrange(DEEPEST - 50)),
    ),
    "since": Question(
        "orders of the last days, months or year, any sort",
        lambda c, p: _list(c, since=_days_ago(c, (7, 30, 365)), sort=_direction(c) + c.choice(_SORTED)),
    ),
    "until": Question(
        "orders older than months or years, any sort",
        lambda c, p: _list(c, until=_days_ago(c, (30, 365, 1_500)), sort=_direction(c) + c.choice(_SORTED)),
    ),
    "words": Question("open orders that speak of something", lambda c, p: _list(c, open="true", q=c.choice(_WORDS))),
    "words_all": Question(
        "orders of all time that speak of something", lambda c, p: _list(c, sort="-opened_at", q=c.choice(_WORDS))
    ),
    "counts": Question("how the desk stands", lambda c, p: "/api/v1/work-orders/counts", aim_ms=None),
    "counts_site": Question(
        "how the desk of a site stands", lambda c, p: f"/api/v1/work-orders/counts?site={_site(c, p)}", aim_ms=None
    ),
    "order": Question(
        "one order with all that belongs to it",
        lambda c, p: f"/api/v1/work-orders/{id_of(16, c.randint(1, p.orders))}",
        aim_ms=None,
    ),
    "alarms": Question(
        "alarms that are not over", lambda c, p: "/api/v1/alarms?active=true&sort=-raised_at&limit=50", aim_ms=None
    ),
    "alarms_all": Question("alarms of all time", lambda c, p: "/api/v1/alarms?sort=-onset_at&limit=50", aim_ms=None),
}
# Asked by eight connections at once for some seconds.
_UNDER_LOAD = ("site_open", "order", "counts_site")
_LOAD_S, _QUICK_LOAD_S = 8, 3
_TIMES, _QUICK_TIMES = 150, 30
# A question that takes a second each time is known well enough after some of them.
_AT_MOST_S = 15.0
_LISTS_AIM_MS = 50.0


@dataclass(frozen=True)
class OrdersPart:
    """The desk's lists and pages through `hub serve`, on a database that is made once and kept under var/bench."""

    name: str = "orders"
    words: str = "the desk's API over 1,000,000 work orders: lists, counts, pages, requests a second"

    def measure(self, context: Context) -> Details:
        plan = HistoryPlan(orders=100_000 if context.is_quick else 1_000_000)
        folder = _CACHE / f"orders-{plan.orders}"
        questions: dict[str, dict[str, float]] = {}
        lists: list[float] = []
        with running_company(folder, plan, say=context.say) as company:
            bystanders = Bystanders()
            for name, question in QUESTIONS.items():
                took = _asked(company, question, times=_QUICK_TIMES if context.is_quick else _TIMES)
                questions[name] = _spread(took)
                lists += took if question.aim_ms is not None else []
                context.say(
                    f"{question.words}: p50 {questions[name]['p50']:.0f} ms, p99 {questions[name]['p99']:.0f} ms"
                )
            load_s = _QUICK_LOAD_S if context.is_quick else _LOAD_S
            load = {name: _load(company, QUESTIONS[name], seconds=load_s) for name in _UNDER_LOAD}
            others_share = bystanders.share()
            memory = pss_mb([company.pid])
        return {
            "plan": asdict(plan), "questions": questions, "lists": _spread(lists), "load": load,
            "pss_mb": dict(memory), "others_share": others_share,
        }  # fmt: skip

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        lists, others = details.get("lists", {}), details.get("others_share")
        return [
            Figure(
                name="orders.lists.p99", words="all lists of work orders below, p99", value=lists.get("p99"),
                unit="ms", aim=Aim(at_most=_LISTS_AIM_MS),
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
    for name, question in QUESTIONS.items():
        p99 = Aim(at_most=question.aim_ms) if question.aim_ms is not None else None
        for share, aim in (("p50", None), ("p99", p99)):
            value = took.get(name, {}).get(share)
            words = f"{question.words}, {share}"
            found.append(Figure(name=f"orders.{name}.{share}", words=words, value=value, unit="ms", aim=aim))
    return found


def _load_figures(loads: Mapping[str, Mapping[str, float] | None]) -> list[Figure]:
    found: list[Figure] = []
    for name in _UNDER_LOAD:
        load = loads.get(name) or {}
        words = f"{QUESTIONS[name].words}: 8 at once"
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


def _asked(company: Company, question: Question, *, times: int) -> list[float]:
    """Milliseconds of each answer, fewer than `times` where they are slow. Warm: a desk looked at its lists before."""
    chance, took = random.Random(question.words), []  # noqa: S311 - draws questions, guards nothing
    connection = company.connect()
    until = time.monotonic() + _AT_MOST_S
    for number in range(times + 10):
        path = question.path(chance, company.plan)
        begun = time.perf_counter()
        company.ask(connection, path)
        if number >= 10:
            took.append((time.perf_counter() - begun) * 1000)
        if took and time.monotonic() > until:
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
