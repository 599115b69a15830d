"""Figures over work orders: what counts, what does not, and that each has exactly its orders behind it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Executable, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.ids import new_id
from tests.insight.orders import MINUTE, order, steps, write
from tests.ticketing.town import NOON, Town
from ticketing import figures_repository
from ticketing.figures import LEFT_OUT, Dimension, Drill, Figure, FigureFilter, Groups, Part, Value
from ticketing.measuring import repository as measuring_repository
from ticketing.measuring.models import OrderMeasure
from ticketing.models import TimelineEntry, WorkOrder

NOW = NOON + timedelta(days=3)
MONTH = FigureFilter(since=NOON - timedelta(days=1), until=NOW)


async def values(session: AsyncSession, site_id: UUID, wanted: FigureFilter = MONTH) -> dict[Figure, Value]:
    (group,) = (await asked(session, Scope.of(site_id), wanted)).groups
    return group.values


async def asked(
    session: AsyncSession, scope: Scope, wanted: FigureFilter = MONTH, *, by: Dimension | None = None, limit: int = 99
) -> Groups:
    return await figures_repository.figures(session, scope, wanted, by=by, now=NOW, limit=limit)


async def test_times_leave_out_holds_and_waiting_for_the_owner(town: Town) -> None:
    quick = order(town.site_id, 1)
    held = order(town.site_id, 2, done_at=NOON + 2 * MINUTE + 300 * MINUTE)
    async with town.database.transaction() as session:
        moves = [
            *steps(quick, (1, "dispatched"), (5, "accepted"), (20, "on_site"), (60, "done"), (61, "closed")),
            # Held twice, 100 and 80 minutes; reassigned out of the second hold.
            *steps(
                held, (1, "dispatched"), (15, "accepted"), (20, "on_hold"), (120, "accepted"), (130, "on_hold"),
                (210, "dispatched"), (220, "accepted"), (300, "done"), (900, "closed"),
            ),
        ]  # fmt: skip
        await write(session, [quick, held], moves)
        found = await values(session, town.site_id)
        (shown, _) = (await listed(session, town, Figure.RESOLUTION_TIME))[0]
    assert found[Figure.RESPONSE_TIME].median == 10 * 60
    assert found[Figure.RESOLUTION_TIME].orders == 2
    assert found[Figure.RESOLUTION_TIME].mean == (60 + 120) / 2 * 60
    assert found[Figure.RESOLUTION_TIME].p90 == pytest.approx((60 + 0.9 * 60) * 60)
    assert (shown.held_s, shown.resolution_s) == (180 * 60, 120 * 60)


async def listed(session: AsyncSession, town: Town, figure: Figure, part: Part = Part.ALL) -> tuple[list[Any], int]:
    drill = Drill(wanted=MONTH, figure=figure, part=part)
    return await figures_repository.orders(session, Scope.of(town.site_id), drill, now=NOW, limit=500, offset=0)


async def test_what_is_no_work_counts_nowhere_and_is_shown_beside(town: Town) -> None:
    rows = [
        order(town.site_id, 1),
        order(town.site_id, 2, state="cancelled", done_at=None, closing_code=None),
        order(town.site_id, 3, closing_code="duplicate"),
        order(town.site_id, 4, closing_code="test"),
        order(town.site_id, 5, fire_outcome="test"),
        order(town.site_id, 6, proof="unproved"),
        order(town.site_id, 7, proof="verified"),
    ]
    async with town.database.transaction() as session:
        await write(session, rows)
        found = await values(session, town.site_id)
    counted = {figure: found[figure].orders for figure in (Figure.OPENED, Figure.COUNTED, *LEFT_OUT)}
    assert counted == {
        Figure.OPENED: 7, Figure.COUNTED: 2, Figure.CANCELLED: 1, Figure.DUPLICATE: 1, Figure.TEST: 2,
        Figure.UNPROVED: 1,
    }  # fmt: skip
    assert found[Figure.RESOLUTION_MET] == Value(2, 2)


async def test_fixed_the_first_time_means_neither_reopened_nor_reported_again(town: Town) -> None:
    good, reopened, repeated = (order(town.site_id, number) for number in (1, 2, 3))
    reopened["attempt"] = 2
    again = order(town.site_id, 4, repeat_of_id=repeated["id"])
    cancelled = order(town.site_id, 5, repeat_of_id=good["id"], state="cancelled", done_at=None, closing_code=None)
    found_nothing = order(town.site_id, 6, closing_code="no_fault_found")
    advice = order(town.site_id, 7, procedure="feedback", closing_code=None)
    async with town.database.transaction() as session:
        await write(session, [good, reopened, repeated, again, cancelled, found_nothing, advice])
        found = await values(session, town.site_id)
        hits, _ = await listed(session, town, Figure.FIRST_TIME_FIX, Part.HITS)
        misses, _ = await listed(session, town, Figure.FIRST_TIME_FIX, Part.MISSES)
    assert found[Figure.FIRST_TIME_FIX] == Value(4, 2)
    assert {one.id for one in hits} == {good["id"], again["id"]}
    assert {one.id for one in misses} == {reopened["id"], repeated["id"]}
    assert found[Figure.REPEATS] == Value(6, 1)


async def test_a_target_that_nobody_can_meet_any_more_is_missed_before_the_work_is_done(town: Town) -> None:
    late: dict[str, Any] = {"responded_at": None, "arrived_at": None, "done_at": None, "closing_code": None}
    rows = [
        order(town.site_id, 1, state="new", **late),
        order(town.site_id, 2, state="new", response_due_at=NOW + MINUTE, resolution_due_at=NOW + MINUTE, **late),
        order(town.site_id, 3, state="on_hold", held_since=NOON, done_at=None, closing_code=None),
        order(town.site_id, 4, arrival_due_at=NOON + 5 * MINUTE),
    ]
    async with town.database.transaction() as session:
        await write(session, rows)
        found = await values(session, town.site_id)
    assert found[Figure.RESPONSE_MET] == Value(3, 2)
    assert found[Figure.RESOLUTION_MET] == Value(2, 1)
    assert found[Figure.ARRIVAL_MET] == Value(1, 0)


async def test_another_sites_orders_are_not_counted(town: Town) -> None:
    async with town.database.transaction() as session:
        await write(session, [order(town.site_id, 1)])
        stranger = Scope.of(new_id())
        (group,) = (await asked(session, stranger)).groups
        assert {one.orders for one in group.values.values()} == {0}
        drill = Drill(wanted=MONTH, figure=Figure.OPENED)
        none = await figures_repository.orders(session, stranger, drill, now=NOW, limit=9, offset=0)
    assert none == ([], 0)


STATES = ("new", "accepted", "on_hold", "done", "verified", "closed", "cancelled", "reopened")


@st.composite
def mixtures(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What differs between orders, as the figures may see it."""

    def one() -> dict[str, Any]:
        state = draw(st.sampled_from(STATES))
        over = state in ("done", "verified", "closed")
        minutes = draw(st.integers(1, 700))
        return {
            "state": state, "attempt": draw(st.integers(1, 2)), "priority": draw(st.integers(1, 4)),
            "kind": draw(st.sampled_from(["repair", "complaint"])),
            "procedure": draw(st.sampled_from(["repair", "feedback"])),
            "closing_code": draw(st.sampled_from(["real_fault", "test", "duplicate", "misuse"])) if over else None,
            "proof": draw(st.sampled_from([None, "verified", "unproved"])),
            "responded": draw(st.booleans()) or over, "done_min": minutes if over else None,
            "held": draw(st.booleans()), "repeats": draw(st.booleans()), "technician": draw(st.integers(0, 2)),
            "cost": draw(st.sampled_from([0, 12.5])), "has_equipment": draw(st.booleans()),
        }  # fmt: skip

    return [one() for _ in range(draw(st.integers(4, 9)))]


def rows_of(town: Town, drawn: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people = [None, town.person["handyman"], town.person["guard"]]
    rows: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for number, one in enumerate(drawn):
        done_min, row_id = one.pop("done_min"), rows[-1]["id"] if rows and one["repeats"] else None
        row = order(
            town.site_id, number, state=one["state"], attempt=one["attempt"], priority=one["priority"],
            kind=one["kind"], procedure=one["procedure"], closing_code=one["closing_code"], proof=one["proof"],
            cost=one["cost"], repeat_of_id=row_id, assignee_id=people[one["technician"]],
            equipment_id=town.equipment["PUMP-01"] if one["has_equipment"] else None,
        )  # fmt: skip
        row["done_at"] = None if done_min is None else row["opened_at"] + done_min * MINUTE
        row["responded_at"] = row["responded_at"] if one["responded"] else None
        rows.append(row)
        if one["responded"]:
            moves += steps(row, (3, "accepted"), *([(4, "on_hold"), (9, "accepted")] if one["held"] else []))
    return rows, moves


async def kept_and_from_scratch(session: AsyncSession) -> tuple[list[Any], list[Any]]:
    found = []
    for measured in (measuring_repository.measures([], []), measuring_repository.from_scratch()):
        rows = await session.execute(select(measured).order_by(measured.c.work_order_id))
        found.append([dict(row) for row in rows.mappings()])
    return found[0], found[1]


def a_late_change(row: Mapping[str, Any], other: Mapping[str, Any], what: str) -> Executable:
    """As rooms write them, long after an order was measured: also through another table, or through another order."""
    changes: dict[str, dict[str, Any]] = {
        "reopened": {"state": "reopened", "done_at": None, "attempt": 2, "closing_code": None},
        "closed": {"state": "closed", "done_at": NOW, "closing_code": "misuse"},
        "held": {"state": "on_hold", "held_since": NOW},
        "charged": {"cost": 99},
        "given": {"assignee_id": None},
        "unproved": {"proof": "unproved"},
        "a repeat": {"repeat_of_id": other["id"]},
        "no repeat": {"repeat_of_id": None},
        "merged": {"merged_into_id": other["id"]},
    }
    if what == "moved":
        return insert(TimelineEntry).values(steps(row, (600, "accepted"))[0] | {"position": 90})
    return update(WorkOrder).where(WorkOrder.id == row["id"]).values(**changes[what])


LATE = ("reopened", "closed", "held", "charged", "given", "unproved", "a repeat", "no repeat", "merged", "moved")


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=mixtures(), late=st.lists(st.sampled_from(LATE), max_size=5, unique=True), at=st.integers(0, 99))
async def test_what_is_kept_of_orders_is_what_a_look_at_all_of_them_finds_after_late_changes_too(
    town: Town, drawn: list[dict[str, Any]], late: list[str], at: int
) -> None:
    async with town.database.transaction() as session:
        await session.execute(delete(TimelineEntry))
        await session.execute(delete(WorkOrder))
        rows, moves = rows_of(town, drawn)
        await write(session, rows, moves)
        assert await measuring_repository.take(session, limit=3) == 3
        kept, expected = await kept_and_from_scratch(session)
        assert kept == expected, "some kept, some not yet"
        while await measuring_repository.take(session, limit=20):
            pass
        for number, what in enumerate(late):
            await session.execute(a_late_change(rows[(at + number) % len(rows)], rows[at % 3], what))
        kept, expected = await kept_and_from_scratch(session)
        assert kept == expected, "changed since, not yet measured"
        while await measuring_repository.take(session, limit=20):
            pass
        kept, expected = await kept_and_from_scratch(session)
        assert kept == expected
        counted = await session.scalar(select(func.count()).select_from(OrderMeasure))
        assert counted == len(expected) == len(rows)


async def test_a_change_that_is_not_committed_yet_stays_due_whoever_measures_meanwhile(town: Town) -> None:
    one = order(town.site_id, 1)
    async with town.database.transaction() as session:
        await write(session, [one])
    async with town.database.transaction() as changing:
        await changing.execute(update(WorkOrder).values(cost=7))
        async with town.database.transaction() as session:
            await measuring_repository.take(session, limit=99)
    async with town.database.transaction() as session:
        assert (await values(session, town.site_id))[Figure.COST].total == 7
        assert await measuring_repository.take(session, limit=99) == 1
        assert (await values(session, town.site_id))[Figure.COST].total == 7


async def test_groups_that_are_left_out_are_told_of(town: Town) -> None:
    rows = [order(town.site_id, number, kind=f"kind_{number % 3}") for number in range(4)]
    async with town.database.transaction() as session:
        await write(session, rows)
        found = await asked(session, Scope.of(town.site_id), by=Dimension.KIND, limit=2)
    assert ([group.key for group in found.groups], found.in_all) == (["kind_0", "kind_1"], 3)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=mixtures(), by=st.sampled_from([None, *Dimension]))
async def test_the_orders_behind_a_figure_are_exactly_those_it_counts(
    town: Town, drawn: list[dict[str, Any]], by: Dimension | None
) -> None:
    async with town.database.transaction() as session:
        await session.execute(delete(TimelineEntry))
        await session.execute(delete(WorkOrder))
        await write(session, *rows_of(town, drawn))
        groups = (await asked(session, Scope.of(town.site_id), by=by)).groups
        for group in groups[:2]:
            left_out = sum(group.values[figure].orders for figure in LEFT_OUT)
            assert group.values[Figure.OPENED].orders == group.values[Figure.COUNTED].orders + left_out
            for figure, value in group.values.items():
                found: dict[Part, set[UUID]] = {}
                for part in Part if value.hits is not None else (Part.ALL,):
                    drill = Drill(wanted=MONTH, figure=figure, part=part, by=by, key=group.key)
                    rows, total = await figures_repository.orders(
                        session, Scope.of(town.site_id), drill, now=NOW, limit=500, offset=0
                    )
                    found[part] = {row.id for row in rows}
                    assert total == len(rows) == len(found[part])
                assert len(found[Part.ALL]) == value.orders
                if value.hits is not None:
                    assert len(found[Part.HITS]) == value.hits
                    assert found[Part.HITS] | found[Part.MISSES] == found[Part.ALL]
                    assert not found[Part.HITS] & found[Part.MISSES]
        assert sum(group.values[Figure.OPENED].orders for group in groups) == len(drawn)
