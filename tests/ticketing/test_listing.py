"""Lists of orders: filters, sorts, pages, words, and how far they count."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from kit.access import Scope
from kit.db import Database
from kit.totals import COUNT_AHEAD, Total
from tests.ticketing.town import Town
from ticketing import listing_repository
from ticketing.errors import PageTooDeep
from ticketing.kinds import Category, OrderState
from ticketing.listing_repository import DEEPEST, DEEPEST_SEARCHED, SORTS, FoundOrders
from ticketing.models import WorkOrder
from ticketing.narrowing_repository import OrderFilter

EVERY_SORT = [f"{sign}{field}" for field in SORTS for sign in ("", "-")]


async def find(
    database: Database, town: Town, wanted: OrderFilter, *, sort: str = "opened_at", limit: int = 50, offset: int = 0
) -> FoundOrders:
    async with database.transaction() as session:
        return await listing_repository.find(
            session, Scope.everywhere(), wanted, now=town.clock.now(), sort=sort, limit=limit, offset=offset
        )


@pytest.fixture
async def orders(database: Database, town: Town) -> list[UUID]:
    """Five, a minute apart; the first is closed."""
    ids: list[UUID] = []
    for number in range(5):
        done = await town.report(text="没有热水", category=Category.OTHER, source_ref=f"test:{number}")
        ids.append(done.report.work_order_id)
        town.clock.advance(seconds=60)
    async with database.transaction() as session:
        await session.execute(update(WorkOrder).where(WorkOrder.id == ids[0]).values(state=OrderState.CLOSED))
    return ids


async def test_pages_in_any_order_hold_each_order_once(database: Database, town: Town, orders: list[UUID]) -> None:
    for sort in EVERY_SORT:
        pages = [await find(database, town, OrderFilter(), sort=sort, limit=2, offset=after) for after in (0, 2, 4, 6)]
        listed = [order.id for page in pages for order in page.orders]
        assert sorted(listed) == sorted(orders), sort
        assert [page.total for page in pages] == [Total(5, is_more=False)] * 4, sort
        values = [getattr(order, sort.removeprefix("-")) for page in pages for order in page.orders]
        assert values == sorted(values, reverse=sort.startswith("-")), sort


async def test_open_and_settled_orders_are_told_apart(database: Database, town: Town, orders: list[UUID]) -> None:
    still_open = await find(database, town, OrderFilter(is_open=True))
    settled = await find(database, town, OrderFilter(is_open=False))
    assert ([order.id for order in still_open.orders], [order.id for order in settled.orders]) == (
        orders[1:],
        orders[:1],
    )


async def test_since_and_until_are_the_times_of_opening(database: Database, town: Town, orders: list[UUID]) -> None:
    (third,) = [order for order in (await find(database, town, OrderFilter())).orders if order.id == orders[2]]
    since = await find(database, town, OrderFilter(opened_since=third.opened_at), sort="-resolution_due_at")
    until = await find(database, town, OrderFilter(opened_until=third.opened_at))
    assert {order.id for order in since.orders} == set(orders[2:])
    assert {order.id for order in until.orders} == set(orders[:2])


async def test_an_order_due_long_after_it_was_opened_is_in_its_place_in_every_sort(
    database: Database, town: Town, orders: list[UUID]
) -> None:
    late, until = town.clock.now() + timedelta(days=400), town.clock.now() - timedelta(seconds=90)
    async with database.transaction() as session:
        await session.execute(
            update(WorkOrder).where(WorkOrder.id == orders[1]).values(resolution_due_at=late, response_due_at=late)
        )
    for sort in EVERY_SORT:
        pages = [
            await find(database, town, OrderFilter(opened_until=until), sort=sort, limit=2, offset=offset)
            for offset in (0, 2)
        ]
        found = [order for page in pages for order in page.orders]
        assert {order.id for order in found} == set(orders[:4]), sort
        values = [getattr(order, sort.removeprefix("-")) for order in found]
        assert values == sorted(values, reverse=sort.startswith("-")), sort


@pytest.mark.parametrize("sort", ["-resolution_due_at", "number"])
async def test_the_beginning_and_the_end_of_time_are_times(
    database: Database, town: Town, orders: list[UUID], sort: str
) -> None:
    ever = OrderFilter(
        opened_since=datetime.min.replace(tzinfo=UTC), opened_until=datetime.max.replace(tzinfo=UTC)
    )  # fmt: skip
    assert len((await find(database, town, ever, sort=sort)).orders) == len(orders)


@pytest.mark.parametrize(("words", "deepest"), [(None, DEEPEST), ("水", DEEPEST_SEARCHED)])
async def test_a_page_too_far_down_is_refused_and_the_last_one_is_not(
    database: Database, town: Town, orders: list[UUID], words: str | None, deepest: int
) -> None:
    wanted = OrderFilter(words=words)
    assert (await find(database, town, wanted, limit=50, offset=deepest - 50)).orders == []
    with pytest.raises(PageTooDeep) as refused:
        await find(database, town, wanted, limit=50, offset=deepest - 49)
    assert refused.value.deepest == deepest


async def test_words_of_any_length_are_found(database: Database, town: Town, orders: list[UUID]) -> None:
    (order, *_) = (await find(database, town, OrderFilter())).orders
    title = order.title["zh-CN"]
    for letters in (1, 2, 3, 4):
        assert len((await find(database, town, OrderFilter(words=title[:letters]))).orders) >= 1, letters
        assert (await find(database, town, OrderFilter(words="无此词语"[:letters]))).orders == [], letters


async def test_what_many_speak_of_and_what_few_do_is_found_alike(
    database: Database, town: Town, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = {"zh-CN": "没有热水", "en": "No hot water"}
    async with database.transaction() as session:
        await session.execute(update(WorkOrder).where(WorkOrder.id.in_(orders[1:4])).values(title=titles))
    for sort, words in itertools.product(EVERY_SORT, ("热", "热水", "有热水", "没有热水")):
        rare = await find(database, town, OrderFilter(words=words), sort=sort)
        with monkeypatch.context() as common_words:
            common_words.setattr(listing_repository, "_SPEAKING_AT_LEAST", 1)
            common = await find(database, town, OrderFilter(words=words), sort=sort)
        assert {order.id for order in rare.orders} == set(orders[1:4]), (sort, words)
        assert [order.id for order in common.orders] == [order.id for order in rare.orders], (sort, words)
        assert common.total == rare.total == Total(3, is_more=False), (sort, words)


async def test_more_that_speak_than_are_sorted_are_found_on_the_way(
    database: Database, town: Town, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_repository, "_FEW", 2)
    found = await find(database, town, OrderFilter(words="wo"), sort="-number")
    assert [order.id for order in found.orders] == orders[::-1]


async def test_signs_that_mean_something_to_the_database_mean_themselves(
    database: Database, town: Town, orders: list[UUID]
) -> None:
    for words in ("%", "_", "100%", "\\", "'", "wo-%"):
        assert (await find(database, town, OrderFilter(words=words))).orders == [], words


async def test_the_beginning_of_a_number_is_enough_in_any_case(
    database: Database, town: Town, orders: list[UUID]
) -> None:
    (order, *_) = (await find(database, town, OrderFilter())).orders
    whole = await find(database, town, OrderFilter(words=order.number.lower()))
    parts = [order.number[:length] for length in range(3, len(order.number) + 1)]
    for part in parts:
        assert order.id in {one.id for one in (await find(database, town, OrderFilter(words=part))).orders}, part
    day = await find(database, town, OrderFilter(words=order.number[:11]))
    assert [found.id for found in whole.orders] == [order.id]
    assert len(day.orders) == 5


async def test_a_list_counts_so_far_beyond_its_page_and_says_that_there_is_more(
    database: Database, town: Town, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.totals.COUNT_AHEAD", 2)
    first = await find(database, town, OrderFilter(), limit=1)
    second = await find(database, town, OrderFilter(), limit=2, offset=1)
    assert (first.total, second.total) == (Total(3, is_more=True), Total(5, is_more=False))
    assert COUNT_AHEAD == 1_000


async def test_counts_narrow_like_the_list(database: Database, town: Town, orders: list[UUID]) -> None:
    async with database.transaction() as session:
        counted = await listing_repository.counts(
            session, Scope.everywhere(), OrderFilter(), now=town.clock.now()
        )  # fmt: skip
        nobody = await listing_repository.counts(session, Scope.of(orders[0]), OrderFilter(), now=town.clock.now())
    assert counted.by_state[OrderState.CLOSED] == 1
    assert sum(counted.by_state.values()) == 5
    assert sum(nobody.by_state.values()) == 0
