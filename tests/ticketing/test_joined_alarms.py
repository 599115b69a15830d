"""Which open order an alarm joins is said by its rule; tests of a device are no work at all."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from alarms.detection import OrderJoining, OrderPolicy
from alarms.models import Alarm
from alarms.testing.service import NewTest, TestWindowService
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from kit.access import Scope
from tests.ticketing.town import NOON, Town
from ticketing.models import WorkOrder

LIFT, ITS_NEIGHBOUR = "LIFT-01", "LIFT-02"


async def orders(town: Town) -> list[WorkOrder]:
    async with town.database.transaction() as session:
        return list(await session.scalars(select(WorkOrder).order_by(WorkOrder.number)))


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
