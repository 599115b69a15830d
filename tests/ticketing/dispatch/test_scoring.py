from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.equipment import EquipmentKind
from tests.ticketing.dispatch.people import BIDDERS, HERE, NEEDS, OURS, SPOTS, THEIRS, bidder
from ticketing.dispatch.distance import SAME_SITE_M, distance_m
from ticketing.dispatch.needs import Need, equipment_kinds, need_of
from ticketing.dispatch.scoring import Bidder, Refusal, Rung, least_loaded, rank
from ticketing.kinds import Category, Procedure

NEAR, FURTHER, NOWHERE = SPOTS
PUMP = Need("pump", site_id=HERE, spot=NEAR)
ELEVATOR = Need("elevator", certified=True, site_id=HERE, contractor_id=OURS)
LICENSED = frozenset({"elevator"})


def best(need: Need, *bidders: Bidder) -> int | None:
    found = rank(need, bidders).best
    return found.bidder.person_id.int if found else None


# What the first has over the second, each alone enough to be asked first.
ADVANTAGES = {
    "a specialist": (bidder(1, "pump"), bidder(2, "general")),
    "a generalist": (bidder(1, "general"), bidder(2, "electrical")),
    "their own building, busy as they are": (
        bidder(1, "pump", building_ids=frozenset({NEAR.building_id}), open_orders=1), bidder(2, "pump"),
    ),
    "fewer orders": (bidder(1, "pump"), bidder(2, "pump", open_orders=1)),
    "fewer orders lately": (bidder(1, "pump"), bidder(2, "pump", recent_orders=3)),
    "work in this very building": (bidder(1, "pump", spot=NEAR), bidder(2, "pump", spot=FURTHER)),
    "work a hundred metres away rather than somewhere": (
        bidder(1, "pump", spot=FURTHER), bidder(2, "pump", spot=NOWHERE),
    ),
    "a shift that lasts": (bidder(1, "pump", shift_left_min=300.0), bidder(2, "pump", shift_left_min=20.0)),
    "being here": (bidder(1, "general", open_orders=5), bidder(2, "pump", duty="on_call")),
}  # fmt: skip


@pytest.mark.parametrize("advantage", sorted(ADVANTAGES))
def test_who_goes_first(advantage: str) -> None:
    first, second = ADVANTAGES[advantage]
    assert best(PUMP, second, first) == first.person_id.int


def test_whoever_mended_it_last_comes_again() -> None:
    need = Need("pump", site_id=HERE, fixed_by=UUID(int=2))
    assert best(need, bidder(1, "pump"), bidder(2, "pump", open_orders=1)) == 2


def test_elevators_go_to_the_company_that_maintains_them_even_from_home() -> None:
    own = bidder(1, "elevator", certified_skills=LICENSED)
    theirs = bidder(2, "elevator", duty="contractor", is_contractor=True, contractor_id=OURS, certified_skills=LICENSED,
                    open_orders=9)  # fmt: skip
    at_home = bidder(3, duty="on_call", is_contractor=True, contractor_id=OURS, certified_skills=LICENSED)
    other = bidder(4, duty="contractor", is_contractor=True, contractor_id=THEIRS, certified_skills=LICENSED)
    uncertified = bidder(5, "elevator", "general")
    guard = bidder(6, duty="guard", certified_skills=LICENSED)

    ranking = rank(ELEVATOR, [uncertified, own, at_home, other, guard, theirs])

    assert [one.bidder.person_id.int for one in ranking.scored] == [2, 3, 1]
    assert [one.rung for one in ranking.scored] == [Rung.MAINTAINER, Rung.MAINTAINER_ON_CALL, Rung.ON_SHIFT]
    assert {bidder.person_id.int: why for bidder, why in ranking.refused} == {
        4: Refusal.OTHER_CONTRACTOR, 5: Refusal.NO_CERTIFICATE, 6: Refusal.OTHER_DUTY,
    }  # fmt: skip


def test_without_a_contract_any_certified_contractor_will_do_and_goes_before_own_staff() -> None:
    need = need_of(procedure=Procedure.REPAIR, category=Category.OTHER, equipment_kind=EquipmentKind.ELEVATOR)
    own = bidder(1, certified_skills=LICENSED)
    contractor = bidder(2, duty="contractor", is_contractor=True, certified_skills=LICENSED, open_orders=2)
    assert [one.bidder.person_id.int for one in rank(need, [own, contractor]).scored] == [2, 1]


def test_a_score_is_the_sum_of_the_reasons_given_for_it() -> None:
    (scored,) = rank(PUMP, [bidder(1, "pump", open_orders=2, recent_orders=3, spot=FURTHER)]).scored
    points = {reason.factor: reason.points for reason in scored.reasons}
    assert points == {"skill": 100, "distance": -2, "load": -24, "fairness": -6}
    assert scored.score == 68


def test_distances() -> None:
    assert distance_m(None, NEAR) is None
    assert distance_m(NEAR, NEAR) == 0
    assert distance_m(NEAR, FURTHER) == pytest.approx(100, abs=1)
    assert distance_m(NEAR, NOWHERE) == SAME_SITE_M


def test_smoke_is_looked_at_by_whoever_is_near_and_complaints_are_answered_by_customer_service() -> None:
    kind = EquipmentKind.SMOKE_DETECTOR
    smoke = need_of(procedure=Procedure.SMOKE, category=Category.FIRE, equipment_kind=kind)
    assert not smoke.certified
    assert best(smoke, bidder(1, duty="guard")) == 1
    complaint = need_of(procedure=Procedure.FEEDBACK, category=Category.COMPLAINT, equipment_kind=None)
    assert best(complaint, bidder(1, "general"), bidder(2, duty="dispatcher")) == 2


def test_a_category_finds_its_trade_when_no_equipment_is_known() -> None:
    needs = {
        category: need_of(procedure=Procedure.REPAIR, category=category, equipment_kind=None) for category in Category
    }
    assert needs[Category.WATER_LEAK].skill == "plumbing"
    assert needs[Category.POWER].skill == "electrical"
    assert needs[Category.ELEVATOR].certified
    assert needs[Category.FIRE].certified
    assert needs[Category.OTHER].skill == "general"
    assert EquipmentKind.ESCALATOR in equipment_kinds("elevator")


@given(need=NEEDS, bidders=BIDDERS, data=st.data())
def test_nobody_unqualified_or_asked_before_or_of_another_company_is_ever_ranked(
    need: Need, bidders: list[Bidder], data: st.DataObject
) -> None:
    asked = set(data.draw(st.lists(st.sampled_from([b.person_id for b in bidders]), max_size=3))) if bidders else set()
    ranking = rank(need, bidders, asked=asked)

    assert len(ranking.scored) + len(ranking.refused) == len(bidders)
    for one in ranking.scored:
        found = one.bidder
        assert found.person_id not in asked
        assert found.duty in need.duties or found.duty == "on_call"
        assert need.skill in found.certified_skills if need.certified else True
        assert need.site_id in (None, found.site_id)
        assert not (found.is_contractor and need.contractor_id not in (None, found.contractor_id))
    order = [(one.rung, -one.score) for one in ranking.scored]
    assert order == sorted(order)
    assert rank(need, list(reversed(bidders)), asked=asked).scored == ranking.scored


def test_of_several_guards_the_free_one_goes() -> None:
    assert least_loaded([bidder(1, open_orders=1), bidder(2)]) == bidder(2)
    assert least_loaded([]) is None
