"""Plans for many orders: never somebody who may not, never nobody who may, and worth no less than one after another."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings

from tests.ticketing.dispatch.people import BIDDERS, HERE, NOON, ORDERS, OURS, bidder
from ticketing.dispatch.needs import Need
from ticketing.dispatch.planning import KEEPING_POINTS, OpenOrder, plan
from ticketing.dispatch.scoring import OPEN_ORDER_POINTS, Bidder, rank, rung_of, score


def one_after_another(orders: list[OpenOrder], bidders: list[Bidder]) -> dict[UUID, Bidder]:
    """The plan that the plain scorer makes, each order in its turn; who gets each."""
    load = {one.person_id: one.open_orders for one in bidders}
    found: dict[UUID, Bidder] = {}
    for order in sorted(orders, key=lambda one: (one.priority, one.due_at, one.id)):
        now = [replace(one, open_orders=load[one.person_id]) for one in bidders]
        able = rank(order.need, now, asked=order.asked).scored
        if not able:
            continue
        keeps = {one.bidder.person_id: KEEPING_POINTS * (one.bidder.person_id == order.holder_id) for one in able}
        best = min(
            able, key=lambda one: (one.rung, -one.score - keeps[one.bidder.person_id], one.bidder.person_id)
        ).bidder  # fmt: skip
        load[best.person_id] += 1
        found[order.id] = best
    return found


def points_of(orders: list[OpenOrder], bidders: list[Bidder], placed: dict[UUID, UUID]) -> int:
    """What a whole plan is worth, from the scorer alone."""
    people = {one.person_id: one for one in bidders}
    load = {one.person_id: one.open_orders for one in bidders}
    total = 0
    for order in orders:
        if order.id not in placed:
            continue
        person = people[placed[order.id]]
        total += score(order.need, replace(person, open_orders=0)).score
        total += OPEN_ORDER_POINTS * load[person.person_id] + KEEPING_POINTS * (order.holder_id == person.person_id)
        load[person.person_id] += 1
    return total


@given(orders=ORDERS, bidders=BIDDERS)
@settings(max_examples=150)
def test_a_plan_is_what_the_scorer_would_say_and_never_worse_than_one_after_another(
    orders: list[OpenOrder], bidders: list[Bidder]
) -> None:
    planned = plan(orders, bidders)
    people = {one.person_id: one for one in bidders}
    placed = {one.order_id: one.person_id for one in planned.placements if one.person_id is not None}
    greedy = one_after_another(orders, bidders)

    assert [one.order_id for one in planned.placements] == [one.id for one in orders]
    assert set(placed) == set(greedy), "somebody who may do it is found exactly where there is somebody"
    for order, placement in zip(orders, planned.placements, strict=True):
        if placement.person_id is None:
            continue
        assert placement.person_id not in order.asked
        person = people[placement.person_id]
        able = rank(order.need, bidders, asked=order.asked)
        assert able.of(person.person_id) is not None
        assert rung_of(order.need, person) == able.scored[0].rung
        assert placement.score == sum(reason.points for reason in placement.reasons)
    by_id = {order_id: one.person_id for order_id, one in greedy.items()}
    assert planned.points == points_of(orders, bidders, placed)
    assert planned.points >= points_of(orders, bidders, by_id)


@given(orders=ORDERS, bidders=BIDDERS)
@settings(max_examples=60)
def test_the_order_of_the_rows_changes_nothing(orders: list[OpenOrder], bidders: list[Bidder]) -> None:
    there = plan(orders, bidders)
    back = plan(orders[::-1], bidders[::-1])
    assert there.points == back.points
    assert list(there.placements) == list(back.placements)[::-1]


def order(number: int, **changes: object) -> OpenOrder:
    given: dict[str, object] = {
        "id": UUID(int=number), "need": Need("pump", site_id=HERE), "priority": 3,
        "due_at": NOON + timedelta(minutes=number),
    }  # fmt: skip
    return OpenOrder(**(given | changes))  # type: ignore[arg-type]


def test_work_is_spread_and_nobody_loses_an_order_for_nothing() -> None:
    bidders = [bidder(1, "pump"), bidder(2, "pump")]
    orders = [order(number, holder_id=UUID(int=1)) for number in range(10, 14)]
    placed = [one.person_id for one in plan(orders, bidders).placements]
    assert sorted(one.int for one in placed if one) == [1, 1, 2, 2]
    already = [replace(one, holder_id=UUID(int=1 + at % 2)) for at, one in enumerate(orders)]
    assert [one.person_id for one in plan(already, bidders).placements] == [one.holder_id for one in already]


def test_special_work_stays_with_its_company_however_busy_and_what_nobody_may_do_with_nobody() -> None:
    need = Need("elevator", certified=True, site_id=HERE, contractor_id=OURS)
    licensed = frozenset({"elevator"})
    theirs = bidder(1, duty="contractor", is_contractor=True, contractor_id=OURS, certified_skills=licensed)
    own = bidder(2, certified_skills=licensed)
    planned = plan([order(number, need=need) for number in range(10, 40)], [own, theirs])
    assert {one.person_id for one in planned.placements} == {theirs.person_id}
    nobody = plan([order(10, need=need)], [bidder(3, "pump")])
    assert [one.person_id for one in nobody.placements] == [None]
    assert plan([order(10)], []).placements[0].person_id is None
