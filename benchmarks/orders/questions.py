"""What the desk is asked: every filter that lists of work orders offer, and those used together, in every sort."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from benchmarks.orders.company import id_of
from benchmarks.orders.history import HistoryPlan
from ticketing.definitions.book import shipped
from ticketing.kinds import OrderState
from ticketing.listing_repository import DEEPEST, DEEPEST_SEARCHED, SORTS

Query = dict[str, str]
Draw = Callable[[random.Random, HistoryPlan], Query]

LIMIT = 50
KINDS = sorted(shipped("kinds"))
EVERY_SORT = tuple(f"{sign}{field}" for field in SORTS for sign in ("", "-"))
# Two letters and more, of every twentieth order and of hardly one, in part and whole, and what nobody ever wrote.
_WORDS = (
    "漏水",
    "燃气",
    "停水",
    "电梯困人",
    "路灯不亮",
    "水",
    "LIFT-3",
    "lift-11-5",
    "12栋",
    "3栋2单元1101",
    "WO-2025",
    "乌有",
)


@dataclass(frozen=True)
class ListQuestion:
    """A list narrowed by what `draw` gives, again and again with other values."""

    words: str
    draw: Draw

    def path(self, chance: random.Random, plan: HistoryPlan, *, sort: str, is_deep: bool) -> str:
        """`is_deep`: any page that can be reached, else the first."""
        wanted = self.draw(chance, plan)
        deepest = DEEPEST_SEARCHED if "q" in wanted else DEEPEST
        offset = chance.randrange(deepest // LIMIT) * LIMIT if is_deep else 0
        return f"/api/v1/work-orders?{urlencode(wanted | {'sort': sort, 'limit': LIMIT, 'offset': offset})}"


@dataclass(frozen=True)
class Question:
    """What else is asked, without an aim of its own."""

    words: str
    path: Callable[[random.Random, HistoryPlan], str]


def _open(_chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"open": "true"}


def _settled(_chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"open": "false"}


def _state(chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"state": chance.choice(list(OrderState))}


def _kind(chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"kind": chance.choice(KINDS)}


def _priority(chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"priority": str(chance.randint(1, 4))}


def _site(chance: random.Random, plan: HistoryPlan) -> Query:
    return {"site": str(id_of(1, chance.randrange(plan.sites)))}


def _building(chance: random.Random, plan: HistoryPlan) -> Query:
    return {"building": str(id_of(2, chance.randrange(plan.sites * plan.buildings_a_site)))}


def _equipment(chance: random.Random, plan: HistoryPlan) -> Query:
    return {
        "equipment": str(id_of(3, chance.randrange(plan.sites * plan.buildings_a_site * plan.equipment_a_building)))
    }


def _assignee(chance: random.Random, plan: HistoryPlan) -> Query:
    return {"assignee": str(id_of(4, chance.randrange(plan.sites * plan.staff_a_site)))}


def _flag(name: str) -> Draw:
    return lambda chance, _plan: {name: chance.choice(("true", "false"))}


def _days_ago(name: str, *days: int) -> Draw:
    def draw(chance: random.Random, _plan: HistoryPlan) -> Query:
        return {name: (datetime.now(UTC) - timedelta(days=chance.choice(days))).isoformat()}

    return draw


def _speaking(chance: random.Random, _plan: HistoryPlan) -> Query:
    return {"q": chance.choice(_WORDS)}


def _all(*draws: Draw) -> Draw:
    def draw(chance: random.Random, plan: HistoryPlan) -> Query:
        wanted: Query = {}
        for one in draws:
            wanted |= one(chance, plan)
        return wanted

    return draw


_since, _until = _days_ago("since", 1, 7, 30, 365), _days_ago("until", 7, 30, 365, 1_500)

LISTS: Mapping[str, ListQuestion] = {
    "all": ListQuestion("all orders", _all()),
    "open": ListQuestion("open orders", _open),
    "settled": ListQuestion("settled orders", _settled),
    "state": ListQuestion("orders in a state", _state),
    "kind": ListQuestion("orders of a kind", _kind),
    "priority": ListQuestion("orders of a priority", _priority),
    "site": ListQuestion("orders of a site", _site),
    "building": ListQuestion("orders of a building", _building),
    "equipment": ListQuestion("orders of an equipment", _equipment),
    "assignee": ListQuestion("orders of a person", _assignee),
    "overdue": ListQuestion("orders that are overdue, or are not", _flag("overdue")),
    "repeat": ListQuestion("orders that are repeats, or are not", _flag("repeat")),
    "since": ListQuestion("orders of the last days, months or year", _since),
    "until": ListQuestion("orders older than days, months or years", _until),
    "span": ListQuestion("orders of a span of time", _all(_days_ago("since", 400, 1_600), _days_ago("until", 30, 370))),
    "words": ListQuestion("orders that speak of something", _speaking),
    "words_open": ListQuestion("open orders that speak of something", _all(_speaking, _open)),
    "words_site": ListQuestion("orders of a site that speak of something", _all(_speaking, _site)),
    "words_state": ListQuestion("orders in a state that speak of something", _all(_speaking, _state)),
    "site_open": ListQuestion("open orders of a site", _all(_site, _open)),
    "site_settled": ListQuestion("settled orders of a site", _all(_site, _settled)),
    "site_state": ListQuestion("orders of a site, in a state", _all(_site, _state)),
    "site_state_priority": ListQuestion("orders of a site, a state, a priority", _all(_site, _state, _priority)),
    "site_kind": ListQuestion("orders of a site, of a kind", _all(_site, _kind)),
    "site_since": ListQuestion("orders of a site, of the last days, months or year", _all(_site, _since)),
    "site_until": ListQuestion("orders of a site, older than days, months or years", _all(_site, _until)),
    "building_state": ListQuestion("orders of a building, in a state", _all(_building, _state)),
    "priority_open": ListQuestion("open orders of a priority", _all(_open, _priority)),
    "priority_until": ListQuestion("orders of a priority, older than days, months or years", _all(_priority, _until)),
    "state_priority": ListQuestion("orders in a state, of a priority", _all(_state, _priority)),
    "state_since": ListQuestion("orders in a state, of the last days, months or year", _all(_state, _since)),
    "state_until": ListQuestion("orders in a state, older than days, months or years", _all(_state, _until)),
}


def _site_open_path(chance: random.Random, plan: HistoryPlan) -> str:
    return LISTS["site_open"].path(chance, plan, sort="resolution_due_at", is_deep=False)


OTHERS: Mapping[str, Question] = {
    "counts": Question("how the desk stands", lambda c, p: "/api/v1/work-orders/counts"),
    "counts_site": Question(
        "how the desk of a site stands", lambda c, p: f"/api/v1/work-orders/counts?{urlencode(_site(c, p))}"
    ),
    "order": Question(
        "one order with all that belongs to it", lambda c, p: f"/api/v1/work-orders/{id_of(16, c.randint(1, p.orders))}"
    ),
    "alarms": Question("alarms that are not over", lambda c, p: "/api/v1/alarms?active=true&sort=-raised_at&limit=50"),
    "alarms_all": Question("alarms of all time", lambda c, p: "/api/v1/alarms?sort=-onset_at&limit=50"),
}
# Asked by eight connections at once for some seconds.
UNDER_LOAD: Mapping[str, Question] = {
    "site_open": Question("open orders of a site, the next due first", _site_open_path),
    "order": OTHERS["order"],
    "counts_site": OTHERS["counts_site"],
}
