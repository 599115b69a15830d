"""The chain: somebody is asked, or it waits to be taken, and it never ends in nobody."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ticketing.dispatch.people import BIDDERS, NEEDS, NOON, bidder
from ticketing.dispatch.modes import Choice, DispatchMode, Wait, mode_of, next_step
from ticketing.dispatch.needs import Need
from ticketing.dispatch.scoring import Bidder, rank
from ticketing.order_kind import Distribution

MANAGER = UUID(int=999)
PUMP = Need("pump")
TWO = rank(PUMP, [bidder(1, "pump"), bidder(2, "pump", open_orders=1), bidder(3, "pump", duty="on_call")])


def step(mode: Distribution, **changes: Any) -> Choice | Wait | None:
    given: dict[str, Any] = {"manager_id": MANAGER, "has_waited": False, "last_offered": {}}
    return next_step(mode, changes.pop("ranking", TWO), **(given | changes))


def test_one_is_asked_or_all_may_help_themselves() -> None:
    auto = step(Distribution.AUTO)
    assert isinstance(auto, Choice)
    assert (auto.person_id.int, auto.mode, auto.score) == (1, DispatchMode.AUTO, 100)
    everybody = tuple(UUID(int=number) for number in (1, 2, 3))
    assert step(Distribution.GRAB) == Wait(Distribution.GRAB, everybody)
    assert step(Distribution.MANUAL) == Wait(Distribution.MANUAL, everybody)


@pytest.mark.parametrize("mode", [Distribution.GRAB, Distribution.MANUAL])
def test_what_nobody_took_is_given_to_the_best(mode: Distribution) -> None:
    asked = step(mode, has_waited=True)
    assert isinstance(asked, Choice)
    assert asked.person_id.int == 1


def test_in_rotation_it_is_the_turn_of_whoever_was_asked_longest_ago_among_those_here() -> None:
    def turn(**last: datetime) -> int:
        found = step(Distribution.ROTATE, last_offered={UUID(int=int(key[1:])): at for key, at in last.items()})
        assert isinstance(found, Choice)
        assert found.mode is DispatchMode.ROTATE
        return found.person_id.int

    assert turn() == 1
    assert turn(p1=NOON) == 2
    assert turn(p1=NOON - timedelta(days=1), p2=NOON) == 1
    assert turn(p1=NOON, p2=NOON - timedelta(days=1)) == 2  # and not 3, who is only on call


def test_a_site_says_how_it_gives_out_orders_of_a_kind() -> None:
    settings = {"dispatch": {"modes": {"repair": "grab", "public": "lottery"}}}
    assert mode_of(settings, kind="repair", shipped=Distribution.AUTO) is Distribution.GRAB
    assert mode_of(settings, kind="public", shipped=Distribution.ROTATE) is Distribution.ROTATE
    assert mode_of({"dispatch": "grab"}, kind="repair", shipped=Distribution.AUTO) is Distribution.AUTO


@given(need=NEEDS, bidders=BIDDERS, mode=st.sampled_from(Distribution))
def test_the_chain_asks_everybody_who_may_do_it_once_and_ends_with_the_duty_manager(
    need: Need, bidders: list[Bidder], mode: Distribution
) -> None:
    able = {one.bidder.person_id for one in rank(need, bidders).scored}
    asked: list[UUID] = []
    has_waited, found = False, None
    for _ in range(len(bidders) + 2):
        ranking = rank(need, bidders, asked=asked)
        found = next_step(mode, ranking, manager_id=MANAGER, has_waited=has_waited, last_offered={})
        if isinstance(found, Wait):
            assert not has_waited
            assert set(found.person_ids) == able
            has_waited = True
            continue
        assert found is not None
        if found.mode is DispatchMode.DUTY_MANAGER:
            break
        asked.append(found.person_id)
    assert set(asked) == able
    assert len(asked) == len(able)
    assert isinstance(found, Choice)
    assert found.person_id == MANAGER
