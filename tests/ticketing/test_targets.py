import pytest

from ticketing.setting_values import BadTargets
from ticketing.targets import Targets, parse_targets


def test_nothing_set_means_the_defaults() -> None:
    assert parse_targets({}) == Targets()


def test_settings_of_other_rooms_are_none_of_our_business() -> None:
    assert parse_targets({"billing": {"currency": "CNY"}}) == Targets()


def test_what_a_site_sets_is_used_and_the_rest_keeps_its_default() -> None:
    targets = parse_targets(
        {
            "entrapment": {"guard_min": 3},
            "smoke": {"on_site_min": 2.5},
            "dispatch": {"answer_min_1": 2},
            "proof": {"window_min": 15},
            "repeat": {"within_days": 7},
        }
    )
    assert targets.entrapment.guard_min == 3
    assert targets.entrapment.intercom_min == 1
    assert targets.smoke.on_site_min == 2.5
    assert targets.answer_min[1] == 2
    assert (targets.proof_window_min, targets.repeat_days) == (15, 7)


@pytest.mark.parametrize(
    ("entrapment", "contractor_min"),
    [({}, 30), ({"area": "city"}, 30), ({"area": "elsewhere"}, 60), ({"area": "elsewhere", "contractor_min": 40}, 40)],
)
def test_a_contractor_has_half_an_hour_in_a_city_and_an_hour_elsewhere(
    entrapment: dict[str, object], contractor_min: float
) -> None:
    assert parse_targets({"entrapment": entrapment}).entrapment.contractor_min == contractor_min


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"entrapment": {"guard_min": 0}}, "entrapment.guard_min"),
        ({"entrapment": {"guard_min": -5}}, "entrapment.guard_min"),
        ({"entrapment": {"guard_min": "five"}}, "entrapment.guard_min"),
        ({"entrapment": {"guard_min": True}}, "entrapment.guard_min"),
        ({"entrapment": {"guard_min": float("nan")}}, "entrapment.guard_min"),
        ({"entrapment": {"hotline_number": "call me"}}, "entrapment.hotline_number"),
        ({"entrapment": {"area": []}}, "entrapment.area"),
        ({"entrapment": {"area": "Mars"}}, "entrapment.area"),
        ({"entrapment": 5}, "entrapment"),
        ({"proof": {"window_min": None}}, "proof.window_min"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(settings: dict[str, object], named: str) -> None:
    with pytest.raises(BadTargets, match=named.replace(".", r"\.")):
        parse_targets(settings)
