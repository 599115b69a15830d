"""Who is asked, what happens when nobody answers, and that there is always somebody."""

import asyncio

import pytest
from sqlalchemy import select, text

from kit.access import Role, Scope
from notify.policy import NotifyChannel as Way
from notify.policy import State
from people.errors import PersonNotFound
from people.kinds import Duty, Skill
from tests.ticketing.town import Town
from ticketing.dispatch.errors import NotQualified
from ticketing.errors import AlreadyTaken, NotEmployed, NotYourOrder
from ticketing.flow import Action
from ticketing.kinds import Category, Channel, ClosingCode, OrderState, TaskKind
from ticketing.models import Incident, WorkOrder
from ticketing.reports import NewReport
from ticketing.words import Words

LIVENESS_S = 60.0


async def asked(town: Town) -> list[tuple[str, str | None]]:
    """Whom the only order was offered to, and what they said."""
    names = {person_id: key for key, person_id in town.person.items()}
    page = await town.page((await town.only_order()).id)
    return [(names[offer.person_id], offer.outcome) for offer in page.offers]


async def test_who_does_not_answer_is_passed_over_and_the_chain_ends_with_the_duty_manager(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await town.sweep(seconds=4 * 60)
    assert await asked(town) == [("pump_engineer", None)]
    await town.sweep(seconds=61)
    assert await asked(town) == [("pump_engineer", "no_answer"), ("handyman", None)]
    await town.sweep(seconds=301)
    await town.sweep(seconds=3600)

    assert await asked(town) == [("pump_engineer", "no_answer"), ("handyman", "no_answer"), ("manager", None)]
    assert "staff.assigned" in await town.told("manager")
    assert await town.told("pump_engineer") == ["staff.assigned", "staff.withdrawn"]


async def test_who_declines_with_a_reason_passes_it_on_at_once(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    await town.act(order.id, "pump_engineer", Action.DECLINE, Words(reason="在3栋抢修"))
    assert await asked(town) == [("pump_engineer", "declined"), ("handyman", None)]
    assert await town.told("pump_engineer") == ["staff.assigned"]


async def test_with_nobody_on_shift_the_manager_gets_it(empty_town: Town) -> None:
    await empty_town.hire("pump_engineer", "张伟", Duty.ENGINEER, Skill.PUMP, on_shift=False)
    await empty_town.hire("manager", "孙丽", Duty.MANAGER)
    await empty_town.detect("PUMP-01", "bearing_wear")
    await empty_town.trap_passenger()
    pump, lift = await empty_town.orders()
    manager = empty_town.person["manager"]
    assert pump.assignee_id == lift.assignee_id == manager
    assert {task.assignee_id for task in (await empty_town.tasks(lift.id)).values()} == {manager}


async def test_an_order_opens_even_where_nobody_works_at_all(empty_town: Town) -> None:
    await empty_town.trap_passenger()
    order = await empty_town.only_order()
    assert order.state == OrderState.NEW
    assert set(await empty_town.tasks(order.id)) >= {TaskKind.INTERCOM, TaskKind.REASSURE}
    assert [entry.what for entry in (await empty_town.page(order.id)).timeline][-1] == "nobody_found"


async def test_own_staff_without_a_certificate_never_gets_the_elevator(empty_town: Town) -> None:
    await empty_town.hire("handyman", "李强", Duty.ENGINEER, Skill.GENERAL, Skill.ELEVATOR)
    await empty_town.hire("manager", "孙丽", Duty.MANAGER)
    await empty_town.detect("LIFT-02", "door_stuck")
    assert (await empty_town.only_order()).assignee_id == empty_town.person["manager"]


async def test_load_and_fairness_spread_the_work(town: Town) -> None:
    await town.hire("second_pump_engineer", "周杰", Duty.ENGINEER, Skill.PUMP, Skill.PLUMBING)
    for room in ("3-1-502", "3-2-502", "3-2-602"):
        await town.report(space_id=town.spaces[room], category=Category.WATER_LEAK)
    engineers = [order.assignee_id for order in await town.orders()]
    assert set(engineers[:2]) == {town.person["pump_engineer"], town.person["second_pump_engineer"]}


async def test_the_desk_chooses_by_hand_and_the_order_says_what_the_scorer_thinks_of_it(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=town.person["guard"]))
    by_hand = (await town.page(order.id)).offers[-1]
    assert (by_hand.mode, by_hand.chosen_by) == ("manual", town.person["dispatcher"])
    assert [reason["factor"] for reason in by_hand.reasons] == ["other_duty"]
    assert await town.told("pump_engineer") == ["staff.assigned", "staff.withdrawn"]


async def test_not_even_by_hand_does_special_work_go_to_somebody_without_a_certificate(town: Town) -> None:
    await town.hire("at_home", "周杰", Duty.ENGINEER, Skill.ELEVATOR, on_shift=False)
    await town.hire("licensed", "郑和", Duty.ENGINEER, Skill.ELEVATOR, certified=True, on_shift=False)
    await town.detect("LIFT-02", "door_stuck")
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    for who in ("handyman", "at_home"):
        with pytest.raises(NotQualified):
            await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=town.person[who]))
    await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=town.person["licensed"]))
    assert [reason["factor"] for reason in (await town.page(order.id)).offers[-1].reasons] == ["off_shift"]
    await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=town.person["manager"]))


async def test_work_is_given_to_workers_of_the_site_only(town: Town) -> None:
    await town.resident("wang", "3-2-502")
    await town.detect("LIFT-02", "door_stuck")
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    with pytest.raises(NotEmployed):
        await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=town.person["wang"]))
    with pytest.raises(PersonNotFound):
        await town.act(order.id, desk, Action.DISPATCH, Words(assignee_id=order.id))


async def test_an_engineer_does_not_take_what_was_offered_to_another_nor_acts_on_it(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    with pytest.raises(AlreadyTaken):
        await town.act(order.id, "handyman", Action.ACCEPT)
    with pytest.raises(NotYourOrder):
        await town.act(order.id, "handyman", Action.ARRIVE)


async def test_late_answers_and_late_ends_reach_the_manager_once_each(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    for _ in range(3):
        await town.sweep(seconds=16 * 60)
    await town.sweep(seconds=8 * 3600)
    await town.sweep(seconds=60)
    reasons = [notice.facts["reason"] for notice in await town.notices("manager") if "escalated" in notice.key]
    assert sorted(reasons) == [
        "text:ticketing.escalation.arrival_overdue", "text:ticketing.escalation.resolution_overdue",
        "text:ticketing.escalation.response_overdue",
    ]  # fmt: skip


async def test_the_call_to_somebody_who_answered_is_not_made(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()

    async def call_state(who: str) -> str:
        (call,) = [notice for notice in await town.notices(who) if notice.channel == Way.VOICE]
        return call.state

    assert await call_state("contractor") == State.QUEUED
    await town.act(order.id, "contractor", Action.ACCEPT)
    assert await call_state("contractor") == State.STOPPED
    assert await call_state("guard") == State.QUEUED


async def test_somebody_who_accepted_before_the_message_went_out_is_not_told_to_accept(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear", deliver=False)
    await town.hand_out(town.outbox.events[0])
    order = await town.only_order()
    async with town.database.transaction() as session:
        await town.room.service.act(
            session, Scope.of(town.site_id), order.id, actor=town.actor("pump_engineer"), action=Action.ACCEPT
        )
    town.delivered = 1
    await town.deliver()
    assert await town.told("pump_engineer") == []


# --- many at once --------------------------------------------------------------------------------------------------


async def test_twenty_accept_one_order_at_once_and_one_wins_and_the_others_hear_who(empty_town: Town) -> None:
    town = empty_town
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    for number in range(20):
        await town.hire(f"engineer{number}", f"工程师{number}", Duty.ENGINEER, Skill.PUMP)

    async def accept(number: int) -> str:
        async with town.database.transaction() as session:
            await town.room.service.act(
                session, Scope.of(town.site_id), order.id, actor=town.actor(f"engineer{number}"), action=Action.ACCEPT
            )
        return f"工程师{number}"

    async with asyncio.timeout(LIVENESS_S):
        answers = await asyncio.gather(*(accept(number) for number in range(20)), return_exceptions=True)

    winners = [answer for answer in answers if isinstance(answer, str)]
    losers = [answer for answer in answers if isinstance(answer, AlreadyTaken)]
    assert (len(winners), len(losers)) == (1, 19)
    assert {loser.by_name for loser in losers} == set(winners)


async def test_twenty_reports_of_one_elevator_at_once_are_one_order(town: Town) -> None:
    async def report(number: int) -> str:
        new = NewReport(
            site_id=town.site_id, channel=Channel.WECHAT, text="电梯不动了", category=Category.ELEVATOR,
            equipment_id=town.equipment["LIFT-02"], source_ref=f"wechat:{number}",
        )  # fmt: skip
        async with town.database.transaction() as session:
            return (await town.room.service.report(session, new)).report.number

    async with asyncio.timeout(LIVENESS_S):
        numbers = await asyncio.gather(*(report(number) for number in range(20)))

    assert set(numbers) == {"WO-20261122-0001"}
    assert len((await town.page((await town.only_order()).id)).reports) == 20


async def test_orders_opened_at_once_are_numbered_without_gaps(town: Town) -> None:
    async def report(number: int, *, fails: bool) -> None:
        new = NewReport(site_id=town.site_id, channel=Channel.PHONE, text=f"{number}", category=Category.OTHER)
        async with town.database.transaction() as session:
            await town.room.service.report(session, new)
            if fails:
                raise RuntimeError("the caller hung up")

    async with asyncio.timeout(LIVENESS_S):
        await asyncio.gather(*(report(number, fails=number % 3 == 0) for number in range(15)), return_exceptions=True)

    numbers = sorted(order.number for order in await town.orders())
    assert numbers == [f"WO-20261122-{number:04d}" for number in range(1, 11)]


async def test_the_index_sends_back_whoever_did_not_wait_in_line(town: Town) -> None:
    """The lock on the subject is a courtesy; the partial unique index decides."""
    await town.report(equipment_id=town.equipment["LIFT-02"])
    order = await town.only_order()
    await town.act(order.id, town.actor("dispatcher", Role.DISPATCHER), Action.CANCEL, Words(reason="测试"))

    async with town.database.transaction() as other:
        incident = (await other.scalars(select(Incident))).one()
        incident.closed_at = None
        await other.flush()  # reopened, not committed, and without the lock
        waiting = asyncio.create_task(town.report(equipment_id=town.equipment["LIFT-02"]))
        await blocked(town)
        (await other.get_one(WorkOrder, order.id)).settled_at = None
    async with asyncio.timeout(LIVENESS_S):
        assert (await waiting).joined
    await town.only_order()


async def blocked(town: Town) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(LIVENESS_S):
        while True:
            async with town.database.transaction() as session:
                waits = await session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock'"))
            if waits:
                return
            await asyncio.sleep(0.02)


async def test_two_sweeps_at_once_ask_one_next_person(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    town.clock.advance(seconds=301)

    async def sweep() -> None:
        async with town.database.transaction() as session:
            await town.room.sweeps.unanswered(session)

    async with asyncio.timeout(LIVENESS_S):
        await asyncio.gather(*(sweep() for _ in range(5)))
    assert await asked(town) == [("pump_engineer", "no_answer"), ("handyman", None)]


async def test_one_order_that_cannot_be_handled_keeps_no_other_waiting(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await town.report(space_id=town.spaces["3-2-502"], category=Category.WATER_LEAK)
    broken, fine = await town.orders()
    async with town.database.transaction() as session:
        (await session.get_one(WorkOrder, broken.id)).category = "a category nobody knows"
    await town.sweep(seconds=301)

    assert (await town.order(fine.id)).answer_due_at != fine.answer_due_at
    failures = town.registry.get_sample_value("hub_work_order_sweep_failures_total", {"sweep": "unanswered"})
    assert failures == 1


async def test_closing_codes_are_kept_with_the_note(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.MISUSE, note="业主误操作"))
    done = await town.only_order()
    assert (done.closing_code, done.closing_note) == ("misuse", "业主误操作")
