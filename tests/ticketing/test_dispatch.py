from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from building.equipment import EquipmentKind
from ticketing.dispatch import Bidder, Need, Refusal, least_loaded, need_of, rank
from ticketing.kinds import Category, Procedure

PUMP = Need("pump", building_id=UUID(int=5))


def bidder(number: int = 1, *skills: str, **changes: object) -> Bidder:
    given: dict[str, object] = {
        "person_id": UUID(int=number), "name": f"工程师{number}", "duty": "engineer", "skills": frozenset(skills),
        "certified_skills": frozenset[str](),
    }  # fmt: skip
    return Bidder(**(given | changes))  # type: ignore[arg-type]


def best(need: Need, *bidders: Bidder) -> UUID | None:
    found = rank(need, bidders).best
    return found.bidder.person_id if found else None


def test_a_specialist_goes_before_a_generalist() -> None:
    assert best(PUMP, bidder(1, "general"), bidder(2, "pump")) == UUID(int=2)


def test_a_generalist_goes_where_there_is_no_specialist() -> None:
    assert best(PUMP, bidder(1, "general"), bidder(2, "electrical")) == UUID(int=1)


def test_own_building_then_load_then_fairness_decide_between_equals() -> None:
    near = bidder(1, "pump", building_ids=frozenset({UUID(int=5)}), open_orders=1)
    free = bidder(2, "pump")
    assert best(PUMP, near, free) == UUID(int=1)
    assert best(PUMP, bidder(1, "pump", open_orders=1), free) == UUID(int=2)
    assert best(PUMP, bidder(1, "pump", recent_orders=3), free) == UUID(int=2)


def test_elevators_are_for_the_certified_and_the_contractor_comes_first() -> None:
    need = need_of(
        procedure=Procedure.REPAIR, category=Category.OTHER, equipment_kind=EquipmentKind.ELEVATOR, building_id=None
    )
    own = bidder(1, "elevator", certified_skills=frozenset({"elevator"}))
    contractor = bidder(2, "elevator", duty="contractor", certified_skills=frozenset({"elevator"}), open_orders=2)
    uncertified = bidder(3, "elevator", "general")

    ranking = rank(need, [uncertified, own, contractor])

    assert [one.bidder.person_id for one in ranking.scored] == [UUID(int=2), UUID(int=1)]
    assert ranking.refused == ((uncertified, Refusal.NO_CERTIFICATE),)


def test_a_score_is_the_sum_of_the_reasons_given_for_it() -> None:
    (scored,) = rank(PUMP, [bidder(1, "pump", open_orders=2, recent_orders=3)]).scored
    assert {reason.factor: reason.points for reason in scored.reasons} == {"skill": 100, "load": -24, "fairness": -6}
    assert scored.score == 70


def test_smoke_is_looked_at_by_whoever_is_near_and_not_by_a_certified_repairer() -> None:
    need = need_of(
        procedure=Procedure.SMOKE, category=Category.FIRE, equipment_kind=EquipmentKind.SMOKE_DETECTOR, building_id=None
    )
    assert not need.certified
    assert best(need, bidder(1, "general", duty="guard")) == UUID(int=1)


def test_a_category_finds_its_trade_when_no_equipment_is_known() -> None:
    needs = {
        category: need_of(procedure=Procedure.REPAIR, category=category, equipment_kind=None, building_id=None)
        for category in Category
    }
    assert needs[Category.WATER_LEAK].skill == "plumbing"
    assert needs[Category.POWER].skill == "electrical"
    assert needs[Category.ELEVATOR].certified
    assert needs[Category.OTHER].skill == "general"


SKILLS = st.frozensets(st.sampled_from(["elevator", "pump", "electrical", "plumbing", "fire", "general"]))
BIDDERS = st.lists(
    st.builds(
        Bidder, person_id=st.uuids(), name=st.just("某"), duty=st.sampled_from(["engineer", "guard", "contractor"]),
        skills=SKILLS, certified_skills=SKILLS, open_orders=st.integers(0, 20), recent_orders=st.integers(0, 50),
    ),
    max_size=12, unique_by=lambda one: one.person_id,
)  # fmt: skip
NEEDS = st.builds(
    Need, skill=st.sampled_from(["elevator", "pump", "fire", "general"]), certified=st.booleans(),
    contractor_first=st.booleans(),
)  # fmt: skip


@given(need=NEEDS, bidders=BIDDERS, data=st.data())
def test_nobody_unqualified_or_asked_before_is_ever_ranked(need: Need, bidders: list[Bidder], data) -> None:
    asked = set(data.draw(st.lists(st.sampled_from([b.person_id for b in bidders]), max_size=3))) if bidders else set()
    ranking = rank(need, bidders, asked=asked)

    assert len(ranking.scored) + len(ranking.refused) == len(bidders)
    for one in ranking.scored:
        assert one.bidder.person_id not in asked
        assert one.bidder.duty in need.duties
        assert need.skill in one.bidder.certified_skills if need.certified else True
    scores = [one.score for one in ranking.scored]
    assert scores == sorted(scores, reverse=True)


@given(need=NEEDS, bidders=BIDDERS)
def test_the_order_in_which_people_stand_in_line_changes_nothing(need: Need, bidders: list[Bidder]) -> None:
    assert rank(need, bidders).scored == rank(need, list(reversed(bidders))).scored


def test_of_several_guards_the_free_one_goes() -> None:
    assert least_loaded([bidder(1, open_orders=1), bidder(2)]) == bidder(2)
    assert least_loaded([]) is None
