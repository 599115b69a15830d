"""Bidders, needs and orders for the tests of dispatch, by hand and by hypothesis."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ticketing.dispatch.distance import Spot
from ticketing.dispatch.needs import Need
from ticketing.dispatch.planning import OpenOrder
from ticketing.dispatch.scoring import Bidder

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HERE, ELSEWHERE = UUID(int=1), UUID(int=2)
OURS, THEIRS = UUID(int=101), UUID(int=102)
# The first two a hundred metres apart, the third without coordinates.
SPOTS = (Spot(UUID(int=11), 30.2741, 120.1551), Spot(UUID(int=12), 30.2750, 120.1551), Spot(UUID(int=13)))


def bidder(number: int = 1, *skills: str, **changes: Any) -> Bidder:
    given: dict[str, Any] = {
        "person_id": UUID(int=number), "name": f"工程师{number}", "duty": "engineer", "skills": frozenset(skills),
        "certified_skills": frozenset[str](), "site_id": HERE,
    }  # fmt: skip
    return Bidder(**(given | changes))


SKILLS = st.frozensets(st.sampled_from(["elevator", "pump", "fire", "general"]), max_size=3)
BIDDERS = st.lists(
    st.builds(
        Bidder,
        person_id=st.integers(1, 40).map(lambda number: UUID(int=number)),
        name=st.just("某"),
        duty=st.sampled_from(["engineer", "guard", "contractor", "on_call", "dispatcher"]),
        skills=SKILLS,
        certified_skills=SKILLS,
        building_ids=st.frozensets(st.sampled_from([spot.building_id for spot in SPOTS]), max_size=2),
        open_orders=st.integers(0, 20),
        recent_orders=st.integers(0, 50),
        site_id=st.sampled_from([HERE, HERE, ELSEWHERE]),
        is_contractor=st.booleans(),
        contractor_id=st.sampled_from([None, OURS, THEIRS]),
        spot=st.sampled_from([None, *SPOTS]),
        shift_left_min=st.sampled_from([None, 10.0, 400.0]),
    ),
    max_size=9,
    unique_by=lambda one: one.person_id,
)
NEEDS = st.builds(
    Need,
    skill=st.sampled_from(["elevator", "pump", "fire", "general"]),
    certified=st.booleans(),
    duties=st.sampled_from(
        [frozenset({"engineer", "contractor"}), frozenset({"guard", "engineer"}), frozenset({"dispatcher"})]
    ),
    site_id=st.sampled_from([None, HERE, ELSEWHERE]),
    contractor_id=st.sampled_from([None, OURS, THEIRS]),
    fixed_by=st.integers(1, 40).map(lambda number: UUID(int=number)),
    spot=st.sampled_from([None, *SPOTS]),
)
ORDERS = st.lists(
    st.builds(
        OpenOrder,
        id=st.uuids(),
        need=NEEDS,
        priority=st.integers(1, 4),
        due_at=st.integers(0, 500).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        holder_id=st.one_of(st.none(), st.integers(1, 40).map(lambda number: UUID(int=number))),
        asked=st.frozensets(st.integers(1, 40).map(lambda number: UUID(int=number)), max_size=3),
    ),
    max_size=15,
    unique_by=lambda one: one.id,
)
