"""The company that the bench of dispatch draws, and the floor it is measured against."""

from benchmarks.dispatch import DispatchPart, drawn, one_after_another, points_of
from ticketing.dispatch.planning import plan


def test_the_plan_places_what_the_plain_loop_places_and_is_worth_no_less() -> None:
    company = drawn(orders=120, people=30)
    assert drawn(orders=120, people=30) == company
    loop = one_after_another(company.orders, company.bidders)
    planned = plan(company.orders, company.bidders)
    placed = {one.order_id: one.person_id for one in planned.placements if one.person_id is not None}
    assert placed.keys() == loop.keys()
    assert len(placed) > 60
    assert points_of(company, placed) == planned.points >= points_of(company, loop)


def test_somebody_who_may_not_do_it_misses_an_aim() -> None:
    details = {
        "orders": 10, "people": 3, "took_s": [0.1, 3.0], "loop_s": 9.0, "sweeps": 1, "placed": 9, "loop_placed": 9,
        "unfit": 1, "points": 100, "loop_points": 90,
    }  # fmt: skip
    by_name = {figure.name: figure for figure in DispatchPart().figures(details)}
    assert by_name["dispatch.plan.unfit"].is_met is False
    assert by_name["dispatch.plan.max"].is_met is False
    assert by_name["dispatch.plan.p50"].value == 1.55
