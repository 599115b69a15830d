"""The part of the bench that asks figures over a million work orders, as a dashboard and its drill-down do."""

import random
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
from ticketing.figures import Dimension, Part
from ticketing.figures import Figure as OrderFigure

_CACHE = Path("var") / "bench"
_AIM_MS = 1_000.0
_TIMES, _QUICK_TIMES = 60, 8
_SITES, _YEARS = 20, 1.0
_MONTH, _YEAR = 30, 365

Query = dict[str, str]


@dataclass(frozen=True)
class Question:
    """`path` draws another site, span, group each time."""

    words: str
    path: Callable[[random.Random, HistoryPlan], str]


@dataclass(frozen=True)
class InsightPart:
    """Through `hub serve`, on a database of its own with a whole year, made once and kept under var/bench."""

    name: str = "insight"
    words: str = "figures over 1,000,000 work orders of a year at 20 sites, and the orders behind them"

    def measure(self, context: Context) -> Details:
        orders = 100_000 if context.is_quick else 1_000_000
        plan = HistoryPlan(orders=orders, sites=_SITES, years=_YEARS)
        times = _QUICK_TIMES if context.is_quick else _TIMES
        with running_company(_CACHE / f"insight-{orders}", plan, say=context.say) as company:
            bystanders = Bystanders()
            cold = [ms for name, one in QUESTIONS.items() for ms in _asked(company, one, plan, f"cold {name}", times=1)]
            took = {name: _asked(company, one, plan, name, times=times) for name, one in QUESTIONS.items()}
            others_share = bystanders.share()
        every = [ms for some in took.values() for ms in some]
        context.say(f"each question {times} times: p99 {_spread(every)['p99']:.0f} ms")
        return {
            "plan": asdict(plan), "questions": {name: _spread(some) for name, some in took.items()},
            "every": _spread(every), "cold": _spread(cold), "others_share": others_share,
        }  # fmt: skip

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        every, cold, others = details.get("every", {}), details.get("cold", {}), details.get("others_share")
        return [
            Figure(
                name="insight.every.p99", words="all questions below, p99", value=every.get("p99"), unit="ms",
                aim=Aim(at_most=_AIM_MS),
            ),
            Figure(
                name="insight.every.cold_p99", words="the same, each asked once right after the start, p99",
                value=cold.get("p99"), unit="ms", aim=Aim(at_most=_AIM_MS),
            ),
            *_asked_figures(details["questions"]),
            Figure(
                name="insight.others", words="share of the machine used by others",
                value=None if others is None else others * 100, unit="%",
            ),
        ]  # fmt: skip


def _asked_figures(took: Mapping[str, Mapping[str, float]]) -> list[Figure]:
    return [
        Figure(
            name=f"insight.{name}.{share}", words=f"{question.words}, {share}", unit="ms", aim=aim,
            value=took.get(name, {}).get(share),
        )
        for name, question in QUESTIONS.items()
        for share, aim in (("p50", None), ("p99", Aim(at_most=_AIM_MS)))
    ]  # fmt: skip


def _asked(company: Company, question: Question, plan: HistoryPlan, seed: str, *, times: int) -> list[float]:
    """Milliseconds of each answer, one after the other."""
    chance = random.Random(seed)  # noqa: S311 - draws questions, guards nothing
    connection = company.connect()
    took: list[float] = []
    for _ in range(times):
        path = question.path(chance, plan)
        begun = time.perf_counter()
        company.ask(connection, path)
        took.append((time.perf_counter() - begun) * 1000)
    connection.close()
    return took


def _spread(took: Sequence[float]) -> dict[str, float]:
    return {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99)), "asked": float(len(took))}


# --- what is asked -------------------------------------------------------------------------------------------------


def _span(chance: random.Random, *, days: int) -> Query:
    """Any such days of the last year."""
    ago = chance.randrange(_YEAR - days + 1)
    until = datetime.now(UTC) - timedelta(days=ago)
    return {"since": (until - timedelta(days=days)).isoformat(), "until": until.isoformat()}


def _site(chance: random.Random, plan: HistoryPlan) -> Query:
    return {"site": str(id_of(1, chance.randrange(plan.sites)))}


def _by(chance: random.Random) -> Query:
    dimension = chance.choice((None, *Dimension))
    return {"by": dimension.value} if dimension else {}


def _figures(query: Query) -> str:
    return f"/api/v1/insight/figures?{urlencode(query)}"


def _orders(chance: random.Random, query: Query) -> str:
    drill = {"figure": chance.choice(list(OrderFigure)).value, "part": chance.choice(list(Part)).value}
    return f"/api/v1/insight/orders?{urlencode(query | drill | {'limit': '50'})}"


def _of_equipment(chance: random.Random, plan: HistoryPlan) -> Query:
    number = chance.randrange(plan.sites * plan.buildings_a_site * plan.equipment_a_building)
    return {"equipment": str(id_of(3, number)), "site": str(id_of(1, number // plan.equipment_a_site))}


def _of_technician(chance: random.Random, plan: HistoryPlan) -> Query:
    number = chance.randrange(plan.sites * plan.staff_a_site)
    return {"technician": str(id_of(4, number)), "site": str(id_of(1, number // plan.staff_a_site))}


QUESTIONS: Mapping[str, Question] = {
    "site_month": Question(
        "one site, a month, by nothing or any dimension",
        lambda c, p: _figures(_site(c, p) | _span(c, days=_MONTH) | _by(c)),
    ),
    "site_year": Question(
        "one site, the year, by nothing or any dimension",
        lambda c, p: _figures(_site(c, p) | _span(c, days=_YEAR) | _by(c)),
    ),
    "sites_month": Question(
        "all sites, a month, by nothing or any dimension", lambda c, _: _figures(_span(c, days=_MONTH) | _by(c))
    ),
    "technician": Question(
        "one technician, the year, by nothing or any dimension",
        lambda c, p: _figures(_of_technician(c, p) | _span(c, days=_YEAR) | _by(c)),
    ),
    "equipment": Question(
        "one equipment, the year", lambda c, p: _figures(_of_equipment(c, p) | _span(c, days=_YEAR))
    ),
    "orders_site_month": Question(
        "the orders behind any figure of one site, a month: first page",
        lambda c, p: _orders(c, _site(c, p) | _span(c, days=_MONTH)),
    ),
    "orders_site_year": Question(
        "the same, the year", lambda c, p: _orders(c, _site(c, p) | _span(c, days=_YEAR))
    ),
    "orders_sites_month": Question(
        "the same, all sites, a month", lambda c, _: _orders(c, _span(c, days=_MONTH))
    ),
}  # fmt: skip
