"""Price lists, what a quotation comes to, and whether its payer must say yes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ids import new_id
from ticketing.charging.errors import PriceListInvalid
from ticketing.charging.policy import BadPolicy, ChargingPolicy, parse_policy
from ticketing.charging.prices import ItemKind, effective, parse_prices
from ticketing.charging.quoting import ApprovalReason, QuoteLine, approval_reasons, total_of

VISIT = {"code": "VISIT", "names": {"zh-CN": "上门费", "en": "Visit"}, "kind": "labour", "unit": "次", "price": "30"}
NAMES = {"zh-CN": "阀", "en": "Valve"}


@dataclass(frozen=True)
class Listed:
    site_id: UUID | None
    version: int
    effective_from: date


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"code": "上门"}, "bad_code"),
        ({"names": {"zh-CN": "上门费"}}, "bad_names"),
        ({"unit": ""}, "bad_unit"),
        ({"kind": "tip"}, "bad_kind"),
        ({"price": "30.005"}, "bad_price"),
        ({"price": "-1"}, "bad_price"),
        ({"price": 30.1}, "bad_price"),
        ({"price": "NaN"}, "bad_price"),
    ],
)
def test_an_item_that_will_not_do_is_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(PriceListInvalid) as refused:
        parse_prices([VISIT | change])
    assert refused.value.problem == problem


def test_a_list_has_each_code_once_and_is_not_empty() -> None:
    for items, problem in (([], "item_count"), ([VISIT, VISIT], "code_twice")):
        with pytest.raises(PriceListInvalid) as refused:
            parse_prices(items)
        assert refused.value.problem == problem
    assert parse_prices([VISIT]).items[0].price == Decimal("30.00")


def test_the_sites_own_list_holds_before_the_companys_and_the_last_begun_before_earlier_ones() -> None:
    site = new_id()
    company = Listed(None, 3, date(2026, 6, 1))
    old, new, next_year = (
        Listed(site, 1, date(2026, 1, 1)), Listed(site, 2, date(2026, 7, 1)), Listed(site, 3, date(2027, 1, 1)),
    )  # fmt: skip
    every = [company, new, next_year, old]
    assert effective(every, day=date(2026, 11, 22)) is new
    assert effective(every, day=date(2026, 6, 30)) is old
    assert effective([company, next_year], day=date(2026, 11, 22)) is company
    assert effective([next_year], day=date(2026, 11, 22)) is None


def line(unit_price: str, published: str | None, quantity: str = "1") -> QuoteLine:
    price = Decimal(published) if published else None
    return QuoteLine(None, NAMES, ItemKind.MATERIAL, "个", Decimal(quantity), Decimal(unit_price), price)


@pytest.mark.parametrize(
    ("lines", "can_be_told", "why"),
    [
        ([line("30", "30"), line("65", "65")], True, []),
        ([line("30", "30", quantity="6.667")], True, [ApprovalReason.ABOVE_THRESHOLD]),
        ([line("200", "200")], True, []),
        ([line("66", "65")], True, [ApprovalReason.ABOVE_PUBLISHED]),
        ([line("5", None)], True, [ApprovalReason.NOT_PUBLISHED]),
        ([line("0", None)], True, []),
        ([line("30", "30")], False, [ApprovalReason.NOT_TOLD]),
        (
            [line("300", "65"), line("1", None)],
            True,
            [ApprovalReason.ABOVE_PUBLISHED, ApprovalReason.NOT_PUBLISHED, ApprovalReason.ABOVE_THRESHOLD],
        ),
    ],
)
def test_the_owner_is_asked_above_published_prices_or_the_threshold(
    lines: list[QuoteLine], can_be_told: bool, why: list[ApprovalReason]
) -> None:
    assert list(approval_reasons(lines, threshold=Decimal(200), can_be_told=can_be_told)) == why


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.decimals(min_value="0.001", max_value=1000, places=3), st.decimals(min_value=0, max_value=9999, places=2)
        ),
        max_size=8,
    )
)
def test_a_total_is_the_sum_of_its_lines_each_rounded_once_to_the_cent(pairs: list[tuple[Decimal, Decimal]]) -> None:
    lines = [QuoteLine(None, NAMES, ItemKind.LABOUR, "时", quantity, price) for quantity, price in pairs]
    total = total_of(lines)
    assert total == round(total, 2)
    assert abs(total - sum((one * price for one, price in pairs), start=Decimal(0))) <= Decimal("0.005") * len(lines)


@pytest.mark.parametrize("settings", [{}, {"charging": {}}])
def test_a_site_that_says_nothing_has_the_defaults(settings: dict[str, Any]) -> None:
    assert parse_policy(settings) == ChargingPolicy()


@pytest.mark.parametrize(
    "given_settings",
    [
        {"charging": 3},
        {"charging": {"approval_above": "viel"}},
        {"charging": {"approval_above": -1}},
        {"charging": {"fund_from": True}},
        {"charging": {"labour_per_hour": "1.005"}},
        {"charging": {"answer_days": 0}},
        {"charging": {"answer_days": 1.5}},
    ],
)
def test_a_setting_that_cannot_be_meant_names_its_key(given_settings: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy, match="charging"):
        parse_policy(given_settings)
