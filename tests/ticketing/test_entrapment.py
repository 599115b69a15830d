"""电梯困人: one order with parallel tasks, from the alarm to residents told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alarms.detection import OrderPolicy
from kit.access import Role
from kit.i18n import Language, Texts
from notify.message import Composer
from notify.policy import Urgency
from notify.template import TemplateRegistry
from tests.ticketing.town import NOON, Town
from ticketing.errors import NotYourOrder, OutageAlreadyConfirmed, OutageNotPossible, TasksUnfinished
from ticketing.flow import Action
from ticketing.kinds import ClosingCode, OrderState, TaskKind, TaskState
from ticketing.tasking import TaskWords
from ticketing.tasks import TaskAction
from ticketing.words import Words


async def test_a_trapped_passenger_opens_one_order_of_priority_1_with_its_parallel_tasks(town: Town) -> None:
    await town.trap_passenger()

    order = await town.only_order()
    tasks = await town.tasks(order.id)
    assert (order.kind, order.priority, order.equipment_code) == ("entrapment", 1, "LIFT-02")
    assert set(tasks) == {TaskKind.INTERCOM, TaskKind.REASSURE, TaskKind.RELEASE, TaskKind.RESCUE_HOTLINE}
    minutes = {kind: (task.due_at - NOON) / timedelta(minutes=1) for kind, task in tasks.items()}
    assert minutes[TaskKind.INTERCOM] == 1
    assert minutes[TaskKind.REASSURE] == 5
    assert minutes[TaskKind.RELEASE] == 30
    assert tasks[TaskKind.RESCUE_HOTLINE].facts == {"phone": "96333", "rescue_code": "330002"}


async def test_control_room_guard_and_certified_contractor_each_get_their_part(town: Town) -> None:
    await town.trap_passenger()

    order = await town.only_order()
    tasks = await town.tasks(order.id)
    assert tasks[TaskKind.INTERCOM].assignee_id == town.person["control_room"]
    assert tasks[TaskKind.REASSURE].assignee_id == town.person["guard"]
    assert order.assignee_id == tasks[TaskKind.RELEASE].assignee_id == town.person["contractor"]
    assert await town.told("control_room") == ["staff.task"]
    assert await town.told("guard") == ["staff.task"]
    assert await town.told("contractor") == ["staff.assigned"]
    assert {notice.urgency for notice in await town.notices("guard")} == {Urgency.LIFE_SAFETY}


async def test_the_same_alarm_handled_twice_makes_one_order_and_tells_once(town: Town) -> None:
    await town.trap_passenger(deliver=False)
    await town.deliver(times=2)

    await town.only_order()
    assert await town.told("guard") == ["staff.task"]


async def test_residents_are_told_of_the_outage_only_after_a_person_confirmed_it(town: Town) -> None:
    await town.resident("served", "3-2-502")
    await town.resident("other_unit", "3-1-502")
    await town.trap_passenger()
    order = await town.only_order()
    assert await town.told("served") == []

    async with town.database.transaction() as session:
        await town.room.service.confirm_outage(
            session, _scope(town), order.id, actor=town.actor("guard"), note="现场确认停梯"
        )
    await town.deliver(times=2)

    assert await town.told("served") == ["elevator.outage"]
    assert await town.told("other_unit") == []
    assert (await town.order(order.id)).outage_confirmed_by == town.person["guard"]


async def test_an_outage_is_confirmed_once_by_somebody_concerned_and_for_an_elevator(town: Town) -> None:
    await town.trap_passenger()
    await town.detect("PUMP-01", "bearing_wear")
    lift, pump = await town.orders()
    service, scope = town.room.service, _scope(town)

    async with town.database.transaction() as session:
        with pytest.raises(NotYourOrder):
            await service.confirm_outage(session, scope, lift.id, actor=town.actor("handyman"), note=None)
        with pytest.raises(OutageNotPossible):
            await service.confirm_outage(
                session, scope, pump.id, actor=town.actor("manager", Role.MANAGER), note=None
            )  # fmt: skip
        await service.confirm_outage(session, scope, lift.id, actor=town.actor("contractor"), note=None)
        with pytest.raises(OutageAlreadyConfirmed):
            await service.confirm_outage(session, scope, lift.id, actor=town.actor("contractor"), note=None)


async def test_the_rescue_hot_line_is_one_tap_and_logged_with_the_rescue_code(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()

    await town.act_on_task(order.id, TaskKind.RESCUE_HOTLINE, "control_room", TaskAction.FINISH)

    logged = [entry for entry in (await town.page(order.id)).timeline if entry.what == "task_moved"]
    assert logged[-1].actor_id == town.person["control_room"]
    assert logged[-1].after["rescue_code"] == "330002"
    assert logged[-1].after["phone"] == "96333"


async def test_the_contractors_arrival_stops_the_clock_of_the_rescue(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()
    town.clock.advance(seconds=600)

    await town.act(order.id, "contractor", Action.ACCEPT)
    await town.act(order.id, "contractor", Action.ARRIVE)

    release = (await town.tasks(order.id))[TaskKind.RELEASE]
    assert release.state == TaskState.ON_SITE
    assert release.met_at == town.clock.now()


async def test_a_real_entrapment_is_not_over_while_a_required_task_is_open(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()
    await town.act(order.id, "contractor", Action.ARRIVE)
    real = Words(closing_code=ClosingCode.REAL_FAULT)

    with pytest.raises(TasksUnfinished) as refused:
        await town.act(order.id, "contractor", Action.FINISH, real)
    assert set(refused.value.tasks) == {TaskKind.INTERCOM, TaskKind.REASSURE}

    await town.act_on_task(order.id, TaskKind.INTERCOM, "control_room", TaskAction.FINISH)
    await town.act_on_task(order.id, TaskKind.REASSURE, "guard", TaskAction.FINISH)
    await town.act(order.id, "contractor", Action.FINISH, real)
    states = {kind: task.state for kind, task in (await town.tasks(order.id)).items()}
    assert states[TaskKind.RELEASE] == TaskState.DONE
    assert states[TaskKind.RESCUE_HOTLINE] == TaskState.CANCELLED


async def test_a_false_alarm_ends_without_the_open_tasks(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()

    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.FALSE_ALARM))

    assert {task.state for task in (await town.tasks(order.id)).values()} <= {TaskState.CANCELLED, TaskState.DONE}


async def test_recovery_alone_closes_nothing(town: Town) -> None:
    await town.trap_passenger()
    town.clock.advance(seconds=120)
    await town.detect("LIFT-02", "passenger_trapped", active=False, life_safety=True)

    order = await town.only_order()
    assert order.state == OrderState.DISPATCHED
    assert order.settled_at is None


async def test_the_proof_verifies_but_only_a_person_closes(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.TEST))
    assert (await town.order(order.id)).state == OrderState.DONE

    await town.detect("LIFT-02", "passenger_trapped", active=False, life_safety=True)
    await town.sweep(seconds=5 * 60)
    assert (await town.order(order.id)).state == OrderState.VERIFIED
    await town.sweep(seconds=90 * 24 * 3600)
    assert (await town.order(order.id)).state == OrderState.VERIFIED

    await town.act(order.id, desk, Action.CLOSE)
    assert (await town.order(order.id)).state == OrderState.CLOSED


async def test_an_overdue_task_reaches_the_duty_manager_once(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()
    await town.act_on_task(order.id, TaskKind.INTERCOM, "control_room", TaskAction.FINISH)
    await town.act_on_task(order.id, TaskKind.REASSURE, "guard", TaskAction.ACCEPT)

    await town.sweep(seconds=301)
    await town.sweep(seconds=10)

    tasks = await town.tasks(order.id)
    assert tasks[TaskKind.REASSURE].escalated_at is not None
    assert tasks[TaskKind.INTERCOM].escalated_at is None
    about_task = [notice for notice in await town.notices("manager") if "task_overdue" in notice.key]
    assert len({notice.key for notice in about_task}) == 1


async def test_the_sites_own_times_hold(town: Town) -> None:
    await town.set_site(entrapment={"contractor_min": 60, "hotline_number": "12345"})
    await town.trap_passenger()

    tasks = await town.tasks((await town.only_order()).id)
    assert tasks[TaskKind.RELEASE].due_at == NOON + timedelta(minutes=60)
    assert tasks[TaskKind.RESCUE_HOTLINE].facts["phone"] == "12345"


async def test_settings_that_make_no_sense_do_not_keep_the_order_from_opening(town: Town) -> None:
    await town.set_site(entrapment={"contractor_min": "soon"})
    await town.trap_passenger()

    tasks = await town.tasks((await town.only_order()).id)
    assert tasks[TaskKind.RELEASE].due_at == NOON + timedelta(minutes=30)


async def test_residents_hear_that_the_elevator_runs_again(town: Town) -> None:
    await town.resident("served", "3-2-502")
    await town.trap_passenger()
    order = await town.only_order()
    async with town.database.transaction() as session:
        await town.room.service.confirm_outage(
            session, _scope(town), order.id, actor=town.actor("contractor"), note=None
        )  # fmt: skip
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.NO_FAULT_FOUND))
    await town.detect("LIFT-02", "passenger_trapped", active=False, life_safety=True)
    await town.act(order.id, desk, Action.CLOSE)

    assert await town.told("served") == ["elevator.outage", "elevator.restored"]
    composer = Composer(Texts.load(["notify"]), link_base_url="https://hub.example")
    for notice in await town.notices("served"):
        template = TemplateRegistry.load().get(notice.template)
        _, said = composer.words(template, facts=notice.facts, language=Language.ZH, zone=ZoneInfo("Asia/Shanghai"))
        assert said.startswith("3栋2单元电梯")
        assert said.count("单元电梯") == 1
        assert "电梯电梯" not in said


async def test_trapped_again_after_done_begins_every_task_anew(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()
    await town.act_on_task(order.id, TaskKind.INTERCOM, "control_room", TaskAction.FINISH)
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.FALSE_ALARM))
    town.clock.advance(seconds=60)

    await town.detect(
        "LIFT-02", "passenger_trapped", onset=town.clock.now(), order=OrderPolicy("entrapment", 1), life_safety=True
    )

    again = await town.only_order()
    tasks = await town.tasks(order.id)
    assert (again.state, again.attempt) == (OrderState.DISPATCHED, 2)
    assert {task.state for task in tasks.values()} == {TaskState.OPEN}
    assert tasks[TaskKind.INTERCOM].due_at == town.clock.now() + timedelta(minutes=1)
    assert tasks[TaskKind.RELEASE].assignee_id == town.person["contractor"]


async def test_a_task_ended_with_words_keeps_them(town: Town) -> None:
    await town.trap_passenger()
    order = await town.only_order()

    await town.act_on_task(
        order.id, TaskKind.INTERCOM, "control_room", TaskAction.FINISH, TaskWords(note="乘客两人，情绪稳定")
    )

    assert (await town.tasks(order.id))[TaskKind.INTERCOM].note == "乘客两人，情绪稳定"


def test_every_task_has_its_words_in_both_languages() -> None:
    texts = Texts.load(["ticketing"])
    for language in ("zh-CN", "en"):
        for kind in TaskKind:
            assert f"ticketing.task.{kind}" in texts.keys(language)  # type: ignore[arg-type]


def _scope(town: Town):
    from kit.access import Scope

    return Scope.of(town.site_id)
