"""The part of the bench that gives out 10,000 orders to 300 technicians, beside a plain loop over the same scores."""

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from benchmarks.part import Aim, Context, Details, Figure
from ticketing.dispatch.distance import Spot
from ticketing.dispatch.needs import Need
from ticketing.dispatch.planning import KEEPING_POINTS, OpenOrder, plan
from ticketing.dispatch.scoring import OPEN_ORDER_POINTS, Bidder, rank, refusal_of, score

_NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_AIM_S = 2.0
_TIMES, _QUICK_TIMES = 9, 3
_SITES, _BUILDINGS = 5, 12
_COMPANIES = 3
# A step of about a hundred metres, in degrees.
_STEP = 0.001
_TRADES = ("pump", "plumbing", "plumbing", "electrical", "electrical", "general", "elevator", "fire")


@dataclass(frozen=True)
class Company:
    """A property company on a bad day. Everything is drawn from a seed, so that runs can be compared."""

    orders: Sequence[OpenOrder]
    bidders: Sequence[Bidder]


@dataclass(frozen=True)
class DispatchPart:
    """Pure: no database and no server; loading rows is what `hub bench orders` is about."""

    name: str = "dispatch"
    words: str = "10,000 open orders given out anew to 300 technicians of five sites, beside a plain loop"

    def measure(self, context: Context) -> Details:
        orders, people = (2_000, 100) if context.is_quick else (10_000, 300)
        company = drawn(orders=orders, people=people)
        took_s = [_timed(lambda: plan(company.orders, company.bidders)) for _ in range(_times(context))]
        planned = plan(company.orders, company.bidders)
        context.say(f"planned in {statistics.median(took_s):.2f} s, {planned.sweeps} sweeps")
        placed = {one.order_id: one.person_id for one in planned.placements if one.person_id is not None}
        loop: dict[UUID, UUID] = {}
        loop_s = _timed(lambda: loop.update(one_after_another(company.orders, company.bidders)))
        context.say(f"the plain loop took {loop_s:.1f} s")
        return {
            "orders": orders, "people": people, "took_s": took_s, "loop_s": loop_s, "sweeps": planned.sweeps,
            "placed": len(placed), "loop_placed": len(loop),
            "unfit": sum(_is_unfit(company, order, placed) for order in company.orders),
            "points": points_of(company, placed), "loop_points": points_of(company, loop),
        }  # fmt: skip

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        orders = details["orders"]
        words = {"time": "time to plan them all", "points": "points an order, load included", "placed": "orders placed"}
        return [
            Figure(
                name="dispatch.plan.max", words=f"{words['time']}, longest of {len(details['took_s'])}",
                value=max(details["took_s"]), unit="s", column="plan", aim=Aim(at_most=_AIM_S),
            ),
            Figure(
                name="dispatch.plan.p50", words=f"{words['time']}, median", unit="s", column="plan",
                value=statistics.median(details["took_s"]),
            ),
            Figure(
                name="dispatch.loop.p50", words=f"{words['time']}, median", unit="s", column="plain loop",
                value=details["loop_s"], note="the loop once",
            ),
            Figure(
                name="dispatch.plan.points", words=words["points"], value=details["points"] / orders, column="plan"
            ),
            Figure(
                name="dispatch.loop.points", words=words["points"], value=details["loop_points"] / orders,
                column="plain loop",
            ),
            Figure(
                name="dispatch.plan.placed", words=words["placed"], value=details["placed"], column="plan",
                note="the others ask for what nobody on shift may do: the duty manager's",
            ),
            Figure(
                name="dispatch.loop.placed", words=words["placed"], value=details["loop_placed"], column="plain loop"
            ),
            Figure(
                name="dispatch.plan.unfit", words="orders with somebody who may not do them", value=details["unfit"],
                column="plan", aim=Aim(at_most=0),
            ),
        ]  # fmt: skip


def drawn(*, orders: int, people: int, seed: int = 7) -> Company:
    """Sites of twelve buildings a hundred metres apart; people with one or two trades, contractors among them."""
    chance = random.Random(seed)  # noqa: S311 - draws a company, guards nothing
    sites = [_id(chance) for _ in range(_SITES)]
    spots = {site: [_spot(chance, at) for at in range(_BUILDINGS)] for site in sites}
    companies = [_id(chance) for _ in range(_COMPANIES)]
    bidders = [_bidder(chance, number, sites, spots, companies) for number in range(people)]
    staff = [one.person_id for one in bidders]
    return Company([_order(chance, sites, spots, companies, staff) for _ in range(orders)], bidders)


def one_after_another(orders: Sequence[OpenOrder], bidders: Sequence[Bidder]) -> dict[UUID, UUID]:
    """The floor: the most urgent order first, each to the best there is then, by the scorer that one order asks."""
    people = {one.person_id: one for one in bidders}
    found: dict[UUID, UUID] = {}
    for order in sorted(orders, key=lambda one: (one.priority, one.due_at, one.id)):
        able = rank(order.need, people.values(), asked=order.asked).scored
        if not able:
            continue
        best = min(
            able,
            key=lambda one: (
                one.rung,
                -one.score - KEEPING_POINTS * (one.bidder.person_id == order.holder_id),
                one.bidder.person_id,
            ),
        ).bidder
        people[best.person_id] = replace(best, open_orders=best.open_orders + 1)
        found[order.id] = best.person_id
    return found


def points_of(company: Company, placed: Mapping[UUID, UUID]) -> int:
    """What a plan is worth by the scorer: each order's points, load as it grows from order to order."""
    idle = {one.person_id: replace(one, open_orders=0) for one in company.bidders}
    load = {one.person_id: one.open_orders for one in company.bidders}
    total = 0
    for order in company.orders:
        person_id = placed.get(order.id)
        if person_id is None:
            continue
        total += score(order.need, idle[person_id]).score + OPEN_ORDER_POINTS * load[person_id]
        total += KEEPING_POINTS * (order.holder_id == person_id)
        load[person_id] += 1
    return total


def _is_unfit(company: Company, order: OpenOrder, placed: Mapping[UUID, UUID]) -> bool:
    person_id = placed.get(order.id)
    if person_id is None:
        return False
    person = next(one for one in company.bidders if one.person_id == person_id)
    return refusal_of(order.need, person) is not None or person_id in order.asked


def _times(context: Context) -> int:
    return _QUICK_TIMES if context.is_quick else _TIMES


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _id(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128))


def _spot(chance: random.Random, at: int) -> Spot:
    return Spot(_id(chance), 30.27 + at // 4 * _STEP, 120.15 + at % 4 * _STEP)


def _bidder(
    chance: random.Random, number: int, sites: Sequence[UUID], spots: Mapping[UUID, Sequence[Spot]],
    companies: Sequence[UUID],
) -> Bidder:  # fmt: skip
    is_contractor = number % 15 == 0
    team = number // 15 if is_contractor else number
    site = sites[team % len(sites)]
    trades = frozenset(chance.sample(_TRADES, 2))
    return Bidder(
        person_id=_id(chance),
        name=f"工程师{number}",
        duty="contractor" if is_contractor else chance.choice(["engineer"] * 9 + ["on_call"]),
        skills=frozenset({"elevator"}) if is_contractor else trades,
        certified_skills=frozenset({"elevator", "fire"}) if is_contractor else frozenset[str](),
        building_ids=frozenset(one.building_id for one in chance.sample(spots[site], 3)) if number % 3 else frozenset(),
        open_orders=chance.randrange(4),
        recent_orders=chance.randrange(30),
        site_id=site,
        is_contractor=is_contractor,
        contractor_id=companies[team // len(sites) % len(companies)] if is_contractor else None,
        spot=chance.choice(spots[site]) if chance.random() < 0.7 else None,
        shift_left_min=chance.uniform(5, 700),
    )


def _order(
    chance: random.Random, sites: Sequence[UUID], spots: Mapping[UUID, Sequence[Spot]], companies: Sequence[UUID],
    staff: Sequence[UUID],
) -> OpenOrder:  # fmt: skip
    site = chance.choice(sites)
    skill = chance.choice(_TRADES)
    is_special = skill in ("elevator", "fire")
    need = Need(
        skill,
        certified=is_special,
        site_id=site,
        contractor_id=chance.choice(companies) if is_special and chance.random() < 0.8 else None,
        fixed_by=chance.choice(staff) if chance.random() < 0.3 else None,
        spot=chance.choice(spots[site]),
    )
    return OpenOrder(
        id=_id(chance),
        need=need,
        priority=chance.choice([1, 2, 2, 3, 3, 3, 3, 4]),
        due_at=_NOON + timedelta(minutes=chance.randrange(1, 3 * 24 * 60)),
        holder_id=chance.choice(staff) if chance.random() < 0.5 else None,
        asked=frozenset(chance.sample(staff, chance.randrange(3))),
    )
