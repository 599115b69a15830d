"""One incident, one order: alarms and owners' reports about the same thing, and who sees what of it."""

from datetime import timedelta
from uuid import UUID

import pytest

from kit.access import Role, Scope
from kit.ids import new_id
from tests.ticketing.town import NOON, Town
from ticketing import repository
from ticketing.errors import PlaceNotFound, ReportNotFound
from ticketing.feedback.verdict import Stars
from ticketing.flow import Action
from ticketing.journal import Entry
from ticketing.kinds import Category, Channel, ClosingCode, OrderState, OwnerState, TaskKind
from ticketing.reports import Known, as_addressed
from ticketing.words import Words


async def two_owners(town: Town) -> None:
    await town.resident("wang", "3-2-502", "王芳")
    await town.resident("liu", "3-2-602", "刘洋")


def lift(town: Town) -> dict[str, object]:
    return {"equipment_id": town.equipment["LIFT-02"]}


async def escalated(town: Town, work_order_id: UUID) -> set[str]:
    """Which targets of an order were missed, as its timeline says."""
    page = await town.page(work_order_id)
    return {
        entry.after["reason"].removesuffix("_overdue")
        for entry in page.timeline if entry.what == Entry.ESCALATED and entry.after
    }  # fmt: skip


async def test_two_owners_and_an_alarm_about_one_elevator_make_one_order_that_all_follow(town: Town) -> None:
    await two_owners(town)
    await town.detect("LIFT-02", "door_stuck")
    first = await town.report(reporter_id=town.person["wang"], text="电梯门关不上", **lift(town))
    second = await town.report(
        reporter_id=town.person["liu"], text="电梯坏了", fault_mode="elevator_fault", **lift(town)
    )

    order = await town.only_order()
    assert first.joined
    assert second.joined
    assert first.report.number == second.report.number == order.number
    assert first.report.known is Known.SENSOR

    await town.act(order.id, "contractor", Action.ACCEPT)
    await town.act(order.id, "contractor", Action.ARRIVE)
    await town.act(order.id, "contractor", Action.FINISH, Words(closing_code=ClosingCode.REAL_FAULT))
    town.clock.advance(seconds=60)
    await town.detect("LIFT-02", "door_stuck", active=False)
    await town.act(order.id, town.actor("dispatcher", Role.DISPATCHER), Action.CLOSE)

    steps = ["work_order.joined", *(f"work_order.{step}" for step in ("assigned", "on_site", "done", "closed"))]
    assert await town.told("wang") == steps
    assert await town.told("liu") == steps


async def test_a_handler_that_runs_twice_tells_nobody_twice(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], **lift(town))
    town.delivered = 0
    await town.deliver(times=2)
    assert await town.told("wang") == ["work_order.received"]


async def test_an_alarm_joins_what_people_reported_and_names_the_fault(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], **lift(town))
    await town.detect("LIFT-02", "door_stuck", order=None)

    order = await town.only_order()
    assert order.fault_mode == "door_stuck"
    await town.detect("LIFT-02", "levelling_error")
    assert len(await town.orders()) == 2


async def test_an_entrapment_alarm_turns_the_reports_order_into_an_entrapment(town: Town) -> None:
    await two_owners(town)
    reported = await town.report(reporter_id=town.person["wang"], **lift(town))
    before = await town.only_order()
    await town.trap_passenger()

    order = await town.only_order()
    assert (before.kind, before.priority) == ("repair", 2)
    assert (order.kind, order.priority, order.fault_mode) == ("entrapment", 1, "passenger_trapped")
    assert set(await town.tasks(order.id)) >= {TaskKind.INTERCOM, TaskKind.REASSURE, TaskKind.RELEASE}
    assert order.response_due_at == NOON + timedelta(minutes=1)
    assert order.number == reported.report.number
    assert order.assignee_id == town.person["contractor"]


async def test_an_entrapment_on_an_accepted_order_keeps_a_certified_assignee(town: Town) -> None:
    await town.report(**lift(town))
    order = await town.only_order()
    await town.act(order.id, "contractor", Action.ACCEPT)
    await town.trap_passenger()

    order = await town.only_order()
    assert (order.state, order.assignee_id) == (OrderState.ACCEPTED, town.person["contractor"])
    assert (await town.tasks(order.id))[TaskKind.RELEASE].assignee_id == town.person["contractor"]


async def test_an_entrapment_wakes_an_order_that_waits_and_starts_its_clocks_anew(town: Town) -> None:
    await town.report(**lift(town))
    order = await town.only_order()
    await town.act(order.id, "contractor", Action.ACCEPT)
    later = town.clock.now() + timedelta(days=3)
    await town.act(order.id, "contractor", Action.HOLD, Words(reason="等配件", hold_until=later))
    town.clock.advance(seconds=2 * 3600)  # longer than anything of an entrapment may take
    await town.trap_passenger()
    order, now = await town.only_order(), town.clock.now()
    assert (order.kind, order.state, order.held_since) == ("entrapment", "dispatched", None)
    assert order.responded_at is None
    assert order.response_due_at == now + timedelta(minutes=1)
    assert order.arrival_due_at == now + timedelta(minutes=30)
    assert order.resolution_due_at == now + timedelta(minutes=60)
    assert order.promised_at == order.resolution_due_at
    await town.sweep(seconds=50)
    assert "response" not in await escalated(town, order.id)
    await town.sweep(seconds=15)
    assert "response" in await escalated(town, order.id)


async def test_nobody_who_is_trapped_waits_for_an_appointment(town: Town) -> None:
    tomorrow = town.clock.now() + timedelta(days=1)
    await town.report(appointment_at=tomorrow, **lift(town))
    order = await town.only_order()
    assert order.arrival_due_at is not None
    assert order.arrival_due_at > tomorrow
    await town.trap_passenger()
    order = await town.only_order()
    assert (order.kind, order.appointment_at) == ("entrapment", None)
    assert order.arrival_due_at == NOON + timedelta(minutes=30)
    assert order.resolution_due_at == NOON + timedelta(minutes=60)

    said = await town.report(
        text="有人被困", fault_mode="passenger_trapped", appointment_at=tomorrow, equipment_id=town.equipment["LIFT-01"]
    )
    other = await town.order(said.report.work_order_id)
    assert (other.appointment_at, other.resolution_due_at) == (None, NOON + timedelta(minutes=60))


async def test_an_entrapment_told_late_reopens_what_was_said_to_be_done(town: Town) -> None:
    await town.report(**lift(town))
    order = await town.only_order()
    for action in (Action.ACCEPT, Action.ARRIVE):
        await town.act(order.id, "contractor", action)
    await town.act(order.id, "contractor", Action.FINISH, Words(closing_code=ClosingCode.REAL_FAULT))
    town.clock.advance(seconds=60)
    await town.trap_passenger()  # it began before the end that was told
    order = await town.only_order()
    assert (order.kind, order.state) == ("entrapment", "dispatched")


async def test_an_owner_who_says_somebody_is_trapped_starts_the_flow(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], text="电梯困人了", fault_mode="passenger_trapped", **lift(town))
    order = await town.only_order()
    assert (order.kind, order.priority) == ("entrapment", 1)
    await town.trap_passenger()
    await town.only_order()


async def test_an_entrapment_never_vanishes_inside_an_ordinary_order(town: Town) -> None:
    await town.detect("LIFT-02", "door_stuck")
    await town.report(text="有人被困", fault_mode="passenger_trapped", **lift(town))
    assert sorted(order.kind for order in await town.orders()) == ["entrapment", "repair"]


async def test_a_reporter_sees_their_own_state_place_and_promise_and_nothing_of_others(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], text="我家老人出不去", contact_phone="13811112222", **lift(town))
    theirs = await town.report(
        reporter_id=town.person["liu"], text="电梯又坏", contact_phone="13933334444", **lift(town)
    )

    async with town.database.transaction() as session:
        (seen,) = await town.room.service.owner_reports(session, town.person["wang"])
        with pytest.raises(ReportNotFound):
            await town.room.service.owner_report(
                session, theirs.report.report_id, reporter_id=town.person["wang"]
            )  # fmt: skip
    everything = repr(seen)
    for secret in ("电梯又坏", "13933334444", "刘洋", str(town.person["liu"]), str(theirs.report.report_id)):
        assert secret not in everything
    assert seen.place == "3栋2单元"
    assert seen.state is OwnerState.ASSIGNED


async def test_what_followers_are_told_carries_nothing_of_other_reporters(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], text="我家老人出不去", **lift(town))
    await town.report(reporter_id=town.person["liu"], text="又坏了", contact_phone="13933334444", **lift(town))
    await town.act((await town.only_order()).id, "contractor", Action.ACCEPT)

    for person, other in (("wang", "liu"), ("liu", "wang")):
        for notice in await town.notices(person):
            said = f"{notice.facts} {notice.link}"
            assert "又坏了" not in said
            assert "我家老人" not in said
            assert "13933334444" not in said
            assert str(town.person[other]) not in said


async def test_whoever_urges_while_two_orders_are_merged_urges_the_one_that_is_left(town: Town) -> None:
    await two_owners(town)
    mine = await town.report(reporter_id=town.person["wang"], **lift(town))
    other = await town.report(reporter_id=town.person["liu"], space_id=town.spaces["3-2-602"])
    source_id, target_id = mine.report.work_order_id, other.report.work_order_id
    async with town.database.transaction() as session:
        assert await repository.report(session, mine.report.report_id) is not None  # as it was before
        async with town.database.transaction() as merging:
            await town.room.incidents.merging.merge(
                merging, Scope.of(town.site_id), source_id, into_id=target_id, reason="同一故障",
                actor=town.actor("dispatcher", Role.DISPATCHER),
            )  # fmt: skip
        seen = await town.room.feedback.service.urge(session, mine.report.report_id)
    assert seen.number == other.report.number
    assert (await town.order(target_id)).urges == 1


async def test_an_owner_is_asked_anew_about_the_order_that_theirs_went_into_and_their_yes_closes_it(town: Town) -> None:
    await two_owners(town)
    mine = await town.report(reporter_id=town.person["wang"], **lift(town))
    other = await town.report(category=Category.LIGHTING, equipment_id=town.equipment["PUMP-01"])
    report_id, target_id = mine.report.report_id, other.report.work_order_id
    desk, feedback = town.actor("dispatcher", Role.DISPATCHER), town.room.feedback.service
    done = Words(closing_code=ClosingCode.REAL_FAULT)
    marks = Stars(speed=5, attitude=5, quality=5)
    await town.act(mine.report.work_order_id, desk, Action.FINISH, done)
    async with town.database.transaction() as session:
        await feedback.rate(session, report_id, stars=marks)
        await town.room.incidents.merging.merge(
            session, Scope.of(town.site_id), mine.report.work_order_id, into_id=target_id, reason="同一故障", actor=desk
        )
    await town.deliver()
    await town.act(target_id, desk, Action.FINISH, done)
    async with town.database.transaction() as session:
        await feedback.rate(session, report_id, stars=marks)
        seen = await feedback.confirm(session, report_id)
    assert (seen.number, seen.state) == (other.report.number, OwnerState.CLOSED)


async def test_followers_are_told_about_their_own_report(town: Town) -> None:
    await two_owners(town)
    mine = await town.report(reporter_id=town.person["wang"], **lift(town))
    await town.report(reporter_id=town.person["liu"], **lift(town))
    await town.act((await town.only_order()).id, "contractor", Action.ACCEPT)
    links = [notice.link for notice in await town.notices("wang")]
    assert len(links) == 2
    opened = {town.room.links.report_of(str(link).removeprefix("/o/reports/")) for link in links}
    assert opened == {mine.report.report_id}


async def test_who_starts_without_checking_in_is_there_all_the_same(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], **lift(town))
    order = await town.only_order()
    for action in (Action.ACCEPT, Action.START):
        await town.act(order.id, "contractor", action)
    assert await town.told("wang") == ["work_order.received", "work_order.assigned", "work_order.on_site"]


async def test_whoever_was_told_who_comes_is_told_when_they_do_not(town: Town) -> None:
    await two_owners(town)
    await town.report(reporter_id=town.person["wang"], **lift(town))
    order = await town.only_order()
    for _ in range(2):
        await town.act(order.id, "contractor", Action.ACCEPT)
        await town.act(order.id, "contractor", Action.DECLINE, Words(reason="车坏在路上"))
        await town.act(order.id, "manager", Action.DECLINE, Words(reason="不在本地"))
        await town.act(order.id, town.actor("dispatcher", Role.DISPATCHER), Action.DISPATCH, by_contractor(town))
    steps = ["work_order.assigned", "work_order.given_back"] * 2
    assert await town.told("wang") == ["work_order.received", *steps]


def by_contractor(town: Town) -> Words:
    return Words(assignee_id=town.person["contractor"])


async def test_the_engineer_is_called_as_owners_call_engineers(town: Town) -> None:
    await two_owners(town)
    reported = await town.report(reporter_id=town.person["wang"], **lift(town))
    await town.act((await town.only_order()).id, "contractor", Action.ACCEPT)
    async with town.database.transaction() as session:
        seen = await town.room.service.owner_report(session, reported.report.report_id)
    assert seen.engineer == "赵工"
    assert (as_addressed("欧阳修"), as_addressed("John Smith"), as_addressed("李")) == ("欧阳工", "John Smith", "李")


async def test_one_home_and_category_is_one_incident_two_homes_are_two(town: Town) -> None:
    leak = {"category": Category.WATER_LEAK, "text": "厨房漏水"}
    one = await town.report(space_id=town.spaces["3-2-502"], **leak)
    same = await town.report(space_id=town.spaces["3-2-502"], **leak)
    other = await town.report(space_id=town.spaces["3-2-602"], **leak)
    assert one.report.number == same.report.number != other.report.number
    assert one.report.place == "3栋2单元502"


@pytest.mark.parametrize("category", [Category.COMPLAINT, Category.INQUIRY, Category.SUGGESTION, Category.OTHER])
async def test_what_one_person_asks_or_complains_of_is_their_own(town: Town, category: Category) -> None:
    home = {"space_id": town.spaces["3-2-502"], "category": category}
    one, two = await town.report(**home), await town.report(**home)
    assert one.report.number != two.report.number


async def test_the_same_message_delivered_three_times_is_one_report(town: Town) -> None:
    reports = [await town.report(source_ref="wechat:42", **lift(town)) for _ in range(3)]
    assert len({one.report.report_id for one in reports}) == 1
    assert len((await town.page((await town.only_order()).id)).reports) == 1


async def test_a_report_taken_by_telephone_names_channel_caller_and_taker(town: Town) -> None:
    await town.report(
        channel=Channel.PHONE, taken_by=town.person["dispatcher"], contact_name="王女士",
        contact_phone="13800138000", space_id=town.spaces["3-2-502"], category=Category.WATER_LEAK,
    )  # fmt: skip
    order = await town.only_order()
    (report,) = (await town.page(order.id)).reports
    assert (order.channel, report.channel) == ("phone", "phone")
    assert (report.taken_by, report.contact_name, report.contact_phone) == (
        town.person["dispatcher"], "王女士", "13800138000",
    )  # fmt: skip


async def test_a_place_of_another_site_is_refused(town: Town) -> None:
    for place in ("equipment_id", "space_id", "building_id"):
        with pytest.raises(PlaceNotFound):
            await town.report(**{place: new_id()})


async def test_numbers_run_through_a_sites_local_day_and_begin_anew_with_the_next(town: Town) -> None:
    await town.report()
    await town.report()
    town.clock.advance(seconds=12 * 3600 - 1)  # 23:59:59 in Hangzhou
    await town.report()
    town.clock.advance(seconds=1)
    await town.report()
    assert [order.number for order in await town.orders()] == [
        "WO-20261122-0001", "WO-20261122-0002", "WO-20261122-0003", "WO-20261123-0001",
    ]  # fmt: skip
