"""烟感: somebody looks first; what they find decides."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from alarms.models import Alarm
from kit.access import Role
from people.kinds import Duty, Skill
from tests.ticketing.town import NOON, Town
from ticketing.errors import FieldMissing, TasksUnfinished
from ticketing.flow import Action
from ticketing.kinds import ClosingCode, FireOutcome, OrderState, TaskKind
from ticketing.tasking import TaskWords
from ticketing.tasks import TaskAction
from ticketing.words import Words


async def confirm(town: Town, outcome: FireOutcome) -> None:
    order = await town.only_order()
    await town.act_on_task(order.id, TaskKind.CONFIRM_FIRE, "guard", TaskAction.FINISH, TaskWords(outcome=outcome))


async def test_smoke_sends_the_guard_to_look_within_three_minutes(town: Town) -> None:
    await town.smoke()
    order = await town.only_order()
    tasks = await town.tasks(order.id)
    assert (order.kind, order.priority) == ("smoke", 1)
    assert set(tasks) == {TaskKind.CONFIRM_FIRE}
    assert tasks[TaskKind.CONFIRM_FIRE].due_at == NOON + timedelta(minutes=3)
    assert tasks[TaskKind.CONFIRM_FIRE].assignee_id == town.person["guard"]


async def test_a_real_fire_starts_the_logged_call_to_119_and_tells_manager_and_residents(town: Town) -> None:
    await town.resident("upstairs", "3-2-602")
    await town.smoke()
    await confirm(town, FireOutcome.REAL_FIRE)

    order = await town.only_order()
    tasks = await town.tasks(order.id)
    assert order.fire_outcome == FireOutcome.REAL_FIRE
    assert tasks[TaskKind.CALL_FIRE_BRIGADE].facts == {"phone": "119"}
    assert tasks[TaskKind.CALL_FIRE_BRIGADE].assignee_id == town.person["control_room"]
    assert await town.told("upstairs") == ["fire.confirmed"]
    assert "staff.escalation" in await town.told("manager")


@pytest.mark.parametrize("outcome", [FireOutcome.FALSE_ALARM, FireOutcome.TEST])
async def test_no_fire_disturbs_nobody_further(town: Town, outcome: FireOutcome) -> None:
    await town.resident("upstairs", "3-2-602")
    await town.smoke()
    await confirm(town, outcome)
    order = await town.only_order()
    assert order.fire_outcome == outcome
    assert set(await town.tasks(order.id)) == {TaskKind.CONFIRM_FIRE}
    assert await town.told("upstairs") == []


async def test_nothing_ends_a_smoke_order_before_somebody_looked(town: Town) -> None:
    await town.smoke()
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    with pytest.raises(TasksUnfinished):
        await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.FALSE_ALARM))
    with pytest.raises(FieldMissing):
        await town.act_on_task(order.id, TaskKind.CONFIRM_FIRE, "guard", TaskAction.FINISH)
    await confirm(town, FireOutcome.FALSE_ALARM)
    await town.act(order.id, desk, Action.FINISH, Words(closing_code=ClosingCode.FALSE_ALARM))
    assert (await town.order(order.id)).state == OrderState.DONE


async def test_smoke_that_cleared_by_itself_leaves_the_order_open(town: Town) -> None:
    await town.smoke()
    town.clock.advance(seconds=90)
    await town.smoke(active=False)
    order = await town.only_order()
    assert order.state == OrderState.DISPATCHED
    assert order.settled_at is None


async def test_an_open_order_never_mutes_smoke(town: Town) -> None:
    await town.hire("fire_fitter", "消防员", Duty.CONTRACTOR, Skill.FIRE, certified=True)
    await town.report(equipment_id=town.equipment["SMOKE-01"], text="烟感一直闪")
    order = await town.only_order()
    await town.act(order.id, town.actor("dispatcher", Role.DISPATCHER), Action.DISPATCH,
                   Words(assignee_id=town.person["fire_fitter"]))  # fmt: skip
    await town.act(order.id, "fire_fitter", Action.ARRIVE)

    await town.smoke()

    async with town.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))
    assert alarm.suppressed_by is None
    assert (await town.only_order()).kind == "smoke"


async def test_a_guard_who_does_not_come_is_escalated(town: Town) -> None:
    await town.smoke()
    await town.sweep(seconds=181)
    assert "staff.escalation" in await town.told("manager")
    assert (await town.tasks((await town.only_order()).id))[TaskKind.CONFIRM_FIRE].escalated_at is not None
