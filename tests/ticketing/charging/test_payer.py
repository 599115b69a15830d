"""Who pays: one rule after the other, and what holds whatever is known."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.charging.coverage import STATUTORY_YEARS, last_day, parts_of
from ticketing.charging.payer import (
    CoveredPart,
    Matter,
    Payer,
    PayerPolicy,
    PayerRule,
    Warranty,
    decide,
)
from ticketing.kinds import Category

TODAY = date(2026, 11, 22)
POLICY = PayerPolicy(fund_from=Decimal(10_000))
LEAK = frozenset({CoveredPart.WATERPROOFING, CoveredPart.PLUMBING})


def warranty(part: CoveredPart = CoveredPart.WATERPROOFING, *, ends_in: int, begun: int = 700) -> Warranty:
    starts_on, ends_on = TODAY - timedelta(days=begun), TODAY + timedelta(days=ends_in)
    return Warranty(part, "城建开发", "3栋", starts_on, ends_on)


AT_HOME = Matter(today=TODAY, is_in_home=True, parts=LEAK)
SHARED = Matter(today=TODAY, is_in_home=False, parts=LEAK)


@pytest.mark.parametrize(
    ("matter", "payer", "rule"),
    [
        (AT_HOME, Payer.OWNER, PayerRule.IN_HOME),
        (replace(AT_HOME, warranties=[warranty(ends_in=0)]), Payer.DEVELOPER, PayerRule.WARRANTY),
        (replace(AT_HOME, warranties=[warranty(ends_in=-1)]), Payer.OWNER, PayerRule.IN_HOME),
        (replace(AT_HOME, warranties=[warranty(ends_in=90, begun=0)]), Payer.DEVELOPER, PayerRule.WARRANTY),
        (replace(AT_HOME, warranties=[warranty(ends_in=90, begun=-1)]), Payer.OWNER, PayerRule.IN_HOME),
        (
            replace(AT_HOME, warranties=[warranty(CoveredPart.ELEVATOR, ends_in=90)]),
            Payer.OWNER,
            PayerRule.IN_HOME,
        ),
        (
            replace(AT_HOME, warranties=[warranty(ends_in=90)], somebody_at_fault=True),
            Payer.PERSON_AT_FAULT,
            PayerRule.AT_FAULT,
        ),
        (SHARED, Payer.PROPERTY_FEE, PayerRule.SHARED),
        (replace(SHARED, expected_cost=Decimal("9999.99")), Payer.PROPERTY_FEE, PayerRule.SHARED),
        (replace(SHARED, expected_cost=Decimal(10_000)), Payer.MAINTENANCE_FUND, PayerRule.SHARED_RENEWAL),
        (replace(AT_HOME, expected_cost=Decimal(90_000)), Payer.OWNER, PayerRule.IN_HOME),
        (replace(AT_HOME, is_work=False, somebody_at_fault=True), Payer.PROPERTY_FEE, PayerRule.NO_WORK),
    ],
)
def test_the_first_rule_that_holds_decides(matter: Matter, payer: Payer, rule: PayerRule) -> None:
    verdict = decide(matter, POLICY)
    assert (verdict.payer, verdict.reasons[0].rule) == (payer, rule)


def test_the_reasons_say_which_warranty_ended_and_when() -> None:
    verdict = decide(replace(AT_HOME, warranties=[warranty(ends_in=-30)]), POLICY)
    assert [reason.rule for reason in verdict.reasons] == [PayerRule.IN_HOME, PayerRule.WARRANTY_ENDED]
    assert verdict.reasons[1].facts["ends_on"] == "2026-10-23"


def test_a_guess_about_the_part_is_called_one_until_somebody_looked() -> None:
    guessed = replace(AT_HOME, warranties=[warranty(ends_in=90)])
    assert decide(guessed, POLICY).reasons[-1].rule is PayerRule.PART_ASSUMED
    known = replace(guessed, parts=frozenset({CoveredPart.WATERPROOFING}), is_part_known=True)
    assert [reason.rule for reason in decide(known, POLICY).reasons] == [PayerRule.WARRANTY]
    pipe = replace(guessed, parts=frozenset({CoveredPart.PLUMBING}), is_part_known=True)
    assert decide(pipe, POLICY).payer is Payer.OWNER


@pytest.mark.parametrize(
    ("accepted_on", "years", "ends_on"),
    [
        (date(2021, 6, 1), 5, date(2026, 5, 31)),
        (date(2024, 2, 29), 2, date(2026, 2, 28)),
        (date(2020, 1, 1), 2, date(2021, 12, 31)),
    ],
)
def test_a_term_ends_the_day_before_its_anniversary(accepted_on: date, years: int, ends_on: date) -> None:
    assert last_day(accepted_on, years=years) == ends_on


def test_the_terms_of_the_law_are_those_of_decree_279() -> None:
    assert STATUTORY_YEARS[CoveredPart.WATERPROOFING] == 5
    assert {
        STATUTORY_YEARS[part] for part in (CoveredPart.DECORATION, CoveredPart.PLUMBING, CoveredPart.ELECTRICAL)
    } == {2}
    assert all(parts_of(category=category, equipment_kind=None) for category in Category)


WARRANTIES = st.lists(
    st.builds(
        warranty, st.sampled_from(CoveredPart), ends_in=st.integers(-400, 400), begun=st.integers(-400, 4000)
    ).filter(lambda one: one.starts_on <= one.ends_on),
    max_size=5,
)
MATTERS = st.builds(
    Matter, today=st.just(TODAY), is_work=st.booleans(), is_in_home=st.booleans(),
    parts=st.frozensets(st.sampled_from(CoveredPart), min_size=1, max_size=3), is_part_known=st.booleans(),
    warranties=WARRANTIES, somebody_at_fault=st.booleans(),
    expected_cost=st.none() | st.decimals(min_value=0, max_value=50_000, places=2),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(MATTERS)
def test_somebody_pays_for_a_reason_and_never_against_a_warranty_in_force(matter: Matter) -> None:
    verdict = decide(matter, POLICY)
    assert verdict.reasons
    in_force = any(one.part in matter.parts and one.holds(TODAY) for one in matter.warranties)
    assert (verdict.payer is Payer.DEVELOPER) == (matter.is_work and not matter.somebody_at_fault and in_force)
    if verdict.payer is Payer.OWNER:
        assert matter.is_in_home
    if verdict.payer is Payer.MAINTENANCE_FUND:
        assert matter.expected_cost is not None
        assert matter.expected_cost >= POLICY.fund_from
    # A longer warranty never makes anybody but the developer pay.
    longer = replace(
        matter, warranties=[replace(one, ends_on=one.ends_on + timedelta(days=500)) for one in matter.warranties]
    )
    if verdict.payer is Payer.DEVELOPER:
        assert decide(longer, POLICY).payer is Payer.DEVELOPER
