"""Which open order an alarm joins is said by its rule; tests of a device are no work at all."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from alarms.attending import AlarmAttending
from alarms.detection import OrderJoining, OrderPolicy
from alarms.events import AlarmRaised
from alarms.models import Alarm
from alarms.reminding import AskingPolicy
from alarms.testing.service import NewTest, TestWindowService
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from kit.access import Role, Scope
from kit.ids import new_id
from tests.ticketing.town import NOON, Town
from ticketing.flow import Action
from ticketing.models import WorkOrder
from ticketing.words import Words

HOUR = timedelta(hours=1)
LIFT, ITS_NEIGHBOUR = "LIFT-01", "LIFT-02"


async def orders(town: Town) -> list[WorkOrder]:
    async with town.database.transaction() as session:
        return list(await session.scalars(select(WorkOrder).order_by(WorkOrder.number)))


def tell_together(town: Town, group_id: UUID | None) -> None:
    """What is raised and not delivered yet, as of one flood."""
    town.outbox.events = [
        msgspec.structs.replace(event, group_id=group_id) if isinstance(event, AlarmRaised) else event
        for event in town.outbox.events
    ]


@pytest.mark.parametrize(
    ("joins", "expected"),
    [
        (OrderJoining.FAULT, [(LIFT, "door_stuck"), (LIFT, "machine_room_hot"), (ITS_NEIGHBOUR, "door_stuck")]),
        (OrderJoining.EQUIPMENT, [(LIFT, "door_stuck"), (ITS_NEIGHBOUR, "door_stuck")]),
        (OrderJoining.BUILDING, [(LIFT, "door_stuck"), (LIFT, "machine_room_hot")]),
    ],
)
async def test_a_rule_says_which_open_order_its_alarms_join(
    town: Town, joins: OrderJoining, expected: list[tuple[str, str]]
) -> None:
    policy = OrderPolicy("repair", 2, joins)
    for seconds, (code, fault) in enumerate(
        [(LIFT, "door_stuck"), (LIFT, "machine_room_hot"), (ITS_NEIGHBOUR, "door_stuck")]
    ):
        onset = NOON + timedelta(seconds=seconds)
        await town.detect(code, fault, order=policy, onset=onset)
    assert [(order.equipment_code, order.fault_mode) for order in await orders(town)] == expected


async def test_a_trapped_passenger_stands_alone_whatever_the_rule_says(town: Town) -> None:
    everything = OrderPolicy("repair", 2, OrderJoining.EQUIPMENT)
    await town.detect(LIFT, "door_stuck", order=everything)
    await town.detect(
        LIFT, "passenger_trapped", order=OrderPolicy("entrapment", 1, OrderJoining.BUILDING), life_safety=True
    )
    found = await orders(town)
    assert ("entrapment", 1) in [(order.kind, order.priority) for order in found]
    await town.detect(
        ITS_NEIGHBOUR, "passenger_trapped", order=OrderPolicy("entrapment", 1, OrderJoining.BUILDING), life_safety=True
    )
    assert len([order for order in await orders(town) if order.kind == "entrapment"]) == 2


async def test_an_alarm_that_asks_again_after_its_order_was_settled_is_work_once_more(town: Town) -> None:
    """Told by itself then, whatever it was told with before."""
    await town.detect(LIFT, "door_stuck", deliver=False)
    tell_together(town, new_id())
    await town.deliver(times=2)
    [first] = await orders(town)
    await town.act(first.id, town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="看错了"))
    await town.deliver(times=2)
    async with town.database.transaction() as session:
        directory = LiveDirectory(await load_directory(session))
    policy = AskingPolicy(dict.fromkeys(Severity, HOUR), dict.fromkeys(Severity, HOUR), times=3)
    asking = AlarmAttending(directory, town.people, town.clock, policy)
    for _ in range(2):  # nobody answered; and again, when the new order is open
        town.clock.advance(seconds=HOUR.total_seconds())
        async with town.database.transaction() as session:
            await asking.remind(session)
        await town.deliver(times=2)
    assert [order.settled_at is None for order in await orders(town)] == [False, True]
    second = (await orders(town))[-1]
    assert "staff.assigned" in [template for key in town.person for template in await town.told(key)]
    async with town.database.transaction() as session:
        [alarm] = (await session.scalars(select(Alarm))).all()
        await town.alarms.acknowledge(session, Scope.everywhere(), alarm.id, actor=town.person["manager"])
    await town.deliver()
    await town.act(second.id, town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="看错了"))
    town.clock.advance(seconds=HOUR.total_seconds())
    async with town.database.transaction() as session:
        await asking.remind(session)
    await town.deliver(times=2)
    assert [order.settled_at is None for order in await orders(town)] == [False, False, True]


async def test_whoever_has_the_order_hears_each_time_that_it_got_worse(town: Town) -> None:
    """Also of a flood's, of which the rest is told once."""
    for number, (code, flood_id) in enumerate([(LIFT, None), (ITS_NEIGHBOUR, new_id())]):
        mildly = OrderPolicy("repair", 4)
        await town.detect(code, "door_stuck", rule="door#minor", severity=Severity.MINOR, order=mildly, deliver=False)
        tell_together(town, flood_id)
        await town.deliver(times=2)
        order = (await orders(town))[number]
        [holder] = [key for key, person_id in town.person.items() if person_id == order.assignee_id]
        before = await town.told(holder)
        for severity, priority in ((Severity.MAJOR, 2), (Severity.CRITICAL, 1)):
            policy = OrderPolicy("repair", priority)
            await town.detect(code, "door_stuck", rule=f"door#{severity}", severity=severity, order=policy)
        worse = (await orders(town))[number]
        assert (worse.id, worse.priority) == (order.id, 1)
        assert await town.told(holder) == [*before, "staff.warning", "staff.warning"]


async def test_the_orders_of_one_flood_are_told_once_to_each(town: Town) -> None:
    """Each has its people, and its place in their lists."""
    for code in (LIFT, ITS_NEIGHBOUR):
        await town.detect(code, "door_stuck", deliver=False)
    tell_together(town, new_id())
    await town.deliver(times=2)
    assigned = [order.assignee_id for order in await orders(town)]
    assert len(assigned) == 2
    told = {key: await town.told(key) for key, person_id in town.person.items() if person_id in assigned}
    assert set(map(tuple, told.values())) == {("staff.assigned_many",)}
    await town.sweep(seconds=3600)
    for key in town.person:
        heard = [(one.template, one.facts.get("reason")) for one in await town.notices(key)]
        assert len(heard) == len(set(heard)), key


async def test_smoke_of_a_detector_on_test_is_no_order_until_somebody_says_that_it_burns(town: Town) -> None:
    async with town.database.transaction() as session:
        tests = TestWindowService(town.catalog, LiveDirectory(await load_directory(session)), town.clock)
        wanted = NewTest(town.site_id, [town.equipment["SMOKE-01"]], 60, "年度检测")
        asker, second = town.person["guard"], town.person["manager"]
        window = await tests.ask(session, Scope.everywhere(), wanted, actor=asker)
        await tests.begin(session, Scope.everywhere(), window.id, actor=second)
    await town.smoke()
    assert await orders(town) == []
    async with town.database.transaction() as session:
        alarm_id: UUID = (await session.scalars(select(Alarm.id))).one()
        await tests.real_alarm(session, Scope.everywhere(), alarm_id, actor=asker, note="有明火")
    await town.deliver()
    assert [(order.kind, order.priority) for order in await orders(town)] == [("smoke", 1)]
