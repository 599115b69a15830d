"""An ordinary repair from alarm to proof: story of the pump."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from alarms.models import Alarm, Inhibition
from alarms.service import AlarmLabel
from kit.access import Role, Scope
from tests.ticketing.town import NOON, Town
from ticketing.errors import (
    AlreadyTaken,
    FieldInvalid,
    FieldMissing,
    IncidentTakenOver,
    StaleWorkOrder,
    WorkOrderNotFound,
)
from ticketing.facts import PointFact
from ticketing.flow import Action
from ticketing.kinds import Category, ClosingCode, OrderState
from ticketing.words import Words

IN_BAND_S = 5 * 60
REAL = Words(closing_code=ClosingCode.REAL_FAULT, note="更换轴承")


async def work(town: Town) -> None:
    """The engineer's three taps up to the arrival."""
    order = (await town.orders())[-1]
    await town.act(order.id, "pump_engineer", Action.ACCEPT)
    await town.act(order.id, "pump_engineer", Action.ARRIVE)


async def test_a_worn_bearing_becomes_an_order_for_the_pump_engineer(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")

    order = await town.only_order()
    assert order.number == "WO-20261122-0001"
    assert (order.kind, order.priority, order.state) == ("repair", 2, OrderState.DISPATCHED)
    assert order.assignee_id == town.person["pump_engineer"]
    assert order.place == "5栋水泵房"
    assert order.title == {"zh-CN": "异常", "en": "Abnormal"}
    assert (order.response_due_at, order.resolution_due_at) == (NOON + timedelta(minutes=15), NOON + timedelta(hours=8))
    assert await town.told("pump_engineer") == ["staff.assigned"]


async def test_the_dispatch_explains_itself_on_the_order(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    (offer,) = (await town.page((await town.only_order()).id)).offers
    assert (offer.mode, offer.score) == ("auto", 100)
    assert offer.reasons == [{"factor": "skill", "points": 100, "count": 1}]


async def test_the_same_match_raises_no_second_order(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await town.detect("PUMP-01", "bearing_wear", onset=NOON + timedelta(minutes=5))
    await town.only_order()


async def test_recovery_and_done_lead_to_verified_whichever_comes_first(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    town.clock.advance(seconds=600)
    await town.detect("PUMP-01", "bearing_wear", active=False)
    assert (await town.only_order()).state == OrderState.ON_SITE

    await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH, REAL)
    assert (await town.only_order()).state == OrderState.DONE
    await town.sweep(seconds=IN_BAND_S)

    order = await town.only_order()
    assert (order.state, order.verified_at) == (OrderState.VERIFIED, town.clock.now())


async def test_done_before_recovery_waits_for_it(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    await town.act(order.id, "pump_engineer", Action.FINISH, REAL)
    waiting = await town.only_order()
    assert (waiting.state, waiting.proof_due_at) == (OrderState.DONE, NOON + timedelta(minutes=30))

    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", "bearing_wear", active=False)

    assert (await town.only_order()).proof_due_at == town.clock.now() + timedelta(seconds=IN_BAND_S)
    await town.sweep(seconds=IN_BAND_S)
    assert (await town.only_order()).state == OrderState.VERIFIED
    assert (await town.only_order()).proof_due_at is None


async def test_done_without_proof_is_reopened_and_given_out_again(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    await town.act(order.id, "pump_engineer", Action.FINISH, REAL)

    await town.sweep(seconds=29 * 60)
    assert (await town.only_order()).state == OrderState.DONE
    await town.sweep(seconds=2 * 60)

    reopened = await town.only_order()
    assert reopened.state == OrderState.DISPATCHED
    assert reopened.dispatch_round == 2
    assert reopened.closing_code is None
    moves = [(entry.after.get("action"), entry.why) for entry in (await town.page(order.id)).timeline]
    assert ("reopen", "proof_missing") in moves


async def test_a_fault_that_came_back_while_it_was_muted_is_no_proof(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    await town.detect("PUMP-01", "bearing_wear", active=False)
    await town.detect("PUMP-01", "bearing_wear", onset=NOON + timedelta(seconds=1))
    town.clock.advance(seconds=600)

    await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH, REAL)

    order = await town.only_order()
    assert (order.state, order.proof_due_at) == (OrderState.DONE, town.clock.now() + timedelta(minutes=30))


async def test_the_fault_again_after_done_reopens_the_order_instead_of_a_second_one(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH, REAL)
    town.clock.advance(seconds=60)

    await town.detect("PUMP-01", "bearing_wear", onset=town.clock.now())

    order = await town.only_order()
    assert order.state == OrderState.DISPATCHED
    assert order.dispatch_round == 2


async def test_an_owner_who_says_it_still_fails_reopens_what_was_done(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    await town.act(order.id, "pump_engineer", Action.FINISH, REAL)
    town.clock.advance(seconds=60)

    await town.report(equipment_id=town.equipment["PUMP-01"], text="还是没水")

    again = await town.only_order()
    assert again.state == OrderState.DISPATCHED
    assert again.dispatch_round == 2


async def test_an_order_without_an_alarm_waits_for_a_persons_word(town: Town) -> None:
    await town.report(space_id=town.spaces["3-2-502"], category=Category.WATER_LEAK, text="厨房漏水")
    order = await town.only_order()
    desk = town.actor("dispatcher", Role.DISPATCHER)
    await town.act(order.id, desk, Action.FINISH, REAL)
    await town.sweep(seconds=30 * 24 * 3600)
    assert (await town.only_order()).state == OrderState.DONE
    await town.act(order.id, desk, Action.CLOSE)
    assert (await town.only_order()).state == OrderState.CLOSED


@pytest.mark.parametrize(
    ("code", "label"),
    [
        (ClosingCode.REAL_FAULT, AlarmLabel.REAL_FAULT),
        (ClosingCode.MISUSE, AlarmLabel.REAL_FAULT),
        (ClosingCode.FALSE_ALARM, AlarmLabel.FALSE_ALARM),
        (ClosingCode.NO_FAULT_FOUND, AlarmLabel.NO_FAULT_FOUND),
        (ClosingCode.TEST, AlarmLabel.TEST),
        (ClosingCode.DUPLICATE, None),
    ],
)
async def test_the_closing_code_labels_the_alarm(town: Town, code: ClosingCode, label: AlarmLabel | None) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    words = Words(closing_code=code)
    if code is ClosingCode.DUPLICATE:
        words = Words(closing_code=code, duplicate_of=(await town.report()).report.work_order_id)
    await town.act(order.id, "pump_engineer", Action.FINISH, words)
    async with town.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))
    assert alarm.label == label


async def test_done_without_a_closing_code_is_refused_by_name(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    with pytest.raises(FieldMissing) as refused:
        await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH)
    assert refused.value.field == "closing_code"


async def test_the_same_again_within_some_days_is_flagged_as_a_repeat(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    first = await town.only_order()
    await town.act(first.id, "pump_engineer", Action.FINISH, REAL)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", "bearing_wear", active=False)
    await town.sweep(seconds=IN_BAND_S)

    town.clock.advance(seconds=29 * 24 * 3600)
    await town.detect("PUMP-01", "bearing_wear", onset=town.clock.now())

    second = (await town.orders())[-1]
    assert second.repeat_of_id == first.id
    assert (await town.page(second.id)).repeat_of == first.number


async def test_long_after_it_is_no_repeat(town: Town) -> None:
    await town.set_site(repeat={"within_days": 7})
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH, REAL)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", "bearing_wear", active=False)
    await town.sweep(seconds=IN_BAND_S)

    town.clock.advance(seconds=8 * 24 * 3600)
    await town.detect("PUMP-01", "bearing_wear", onset=town.clock.now())
    assert (await town.orders())[-1].repeat_of_id is None


async def test_a_closed_order_is_not_reopened_beside_a_new_one_about_the_same(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    first = await town.only_order()
    await town.act(first.id, "pump_engineer", Action.FINISH, REAL)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", "bearing_wear", active=False)
    await town.sweep(seconds=IN_BAND_S)
    await town.detect("PUMP-01", "bearing_wear", onset=town.clock.now() + timedelta(seconds=1))
    second = (await town.orders())[-1]

    with pytest.raises(IncidentTakenOver) as refused:
        await town.act(
            first.id, town.actor("manager", Role.MANAGER), Action.REOPEN, Words(reason="没修好")
        )  # fmt: skip
    assert refused.value.number == second.number
    assert (await town.order(first.id)).state == OrderState.VERIFIED


async def test_changed_settings_do_not_rewrite_an_open_order(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    before = await town.only_order()
    await town.set_site(deadlines={"priority_2": {"resolution_min": 1}}, proof={"window_min": 1})
    await work(town)
    await town.act(before.id, "pump_engineer", Action.FINISH, REAL)
    after = await town.only_order()
    assert after.resolution_due_at == before.resolution_due_at
    assert after.proof_due_at == NOON + timedelta(minutes=30)


async def test_a_hold_moves_deadline_and_promise_and_is_not_overdue_meanwhile(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    until = town.clock.now() + timedelta(days=1)
    await town.act(order.id, "pump_engineer", Action.HOLD, Words(reason="等配件", hold_until=until))
    await town.sweep(seconds=10 * 3600)
    assert not (await town.page(order.id)).line.is_overdue
    await town.act(order.id, "pump_engineer", Action.RESUME)
    resumed = await town.only_order()
    assert resumed.resolution_due_at == NOON + timedelta(hours=18)
    assert resumed.promised_at == NOON + timedelta(hours=18)
    assert resumed.resolution_escalated_at is None


async def test_what_is_promised_lies_ahead(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    for moment in (NOON, NOON - timedelta(days=1), NOON + timedelta(days=5000)):
        with pytest.raises(FieldInvalid) as refused:
            await town.act(order.id, "pump_engineer", Action.ACCEPT, Words(promised_at=moment))
        assert refused.value.field == "promised_at"


async def test_a_stale_look_is_refused(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    with pytest.raises(StaleWorkOrder):
        await town.act(order.id, "pump_engineer", Action.ACCEPT, version=order.version - 1)
    await town.act(order.id, "pump_engineer", Action.ACCEPT, version=order.version)


async def test_whoever_comes_second_is_told_who_was_first(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    await town.act(order.id, "pump_engineer", Action.ACCEPT)
    with pytest.raises(AlreadyTaken) as refused:
        await town.act(order.id, "handyman", Action.ACCEPT)
    assert refused.value.by_name == "张伟"


async def test_another_sites_order_does_not_exist(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    async with town.database.transaction() as session:
        with pytest.raises(WorkOrderNotFound):
            await town.room.service.act(
                session, Scope.of(), order.id, actor=town.actor("pump_engineer"), action=Action.ACCEPT
            )


async def standing_inhibitions(town: Town) -> list[str | None]:
    async with town.database.transaction() as session:
        rows = await session.scalars(select(Inhibition).where(Inhibition.released_at.is_(None)))
        return [row.fault_mode for row in rows]


async def test_an_open_order_mutes_its_own_fault_then_all_of_it_while_somebody_works_then_nothing(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    order = await town.only_order()
    assert await standing_inhibitions(town) == ["bearing_wear"]
    await work(town)
    assert await standing_inhibitions(town) == [None]
    await town.act(order.id, "pump_engineer", Action.FINISH, REAL)
    assert await standing_inhibitions(town) == []


async def test_another_fault_of_the_equipment_is_still_heard_before_somebody_is_there(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await town.detect("PUMP-01", "dry_run")
    assert [order.fault_mode for order in await town.orders()] == ["bearing_wear", "dry_run"]


async def test_what_was_muted_during_the_work_and_lasts_is_heard_afterwards(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    await work(town)
    order = await town.only_order()
    await town.detect("PUMP-01", "dry_run", onset=NOON + timedelta(seconds=1))
    await town.only_order()

    await town.act(order.id, "pump_engineer", Action.FINISH, REAL)
    await town.sweep(seconds=10)

    assert [order.fault_mode for order in await town.orders()] == ["bearing_wear", "dry_run"]


async def test_the_equipments_state_is_attached_once_the_order_is_open(town: Town) -> None:
    town.facts.facts = [
        PointFact("head_bar", {"zh-CN": "扬程", "en": "Head"}, 0.0, "bar", "ok", NOON),
        PointFact("flow_m3_h", {"zh-CN": "流量", "en": "Flow"}, None, "m³/h", "down", NOON),
    ]
    await town.detect("PUMP-01", "dry_run")
    facts = (await town.only_order()).facts
    assert facts["head_bar"]["value"] == 0.0
    assert facts["flow_m3_h"]["value"] is None


async def test_an_alarm_that_asks_for_no_order_gets_none(town: Town) -> None:
    from alarms.events import AlarmRaised
    from building.severity import Severity

    await town.detect("PUMP-01", "bearing_wear", deliver=False)
    (raised,) = town.outbox.of(AlarmRaised)
    async with town.database.transaction() as session:
        await town.room.alarm_handlers.on_alarm_raised(
            session,
            AlarmRaised(
                site_id=raised.site_id, alarm_id=raised.alarm_id, equipment_id=raised.equipment_id, source="rule",
                source_id="battery-low", fault_mode="battery_low", severity=Severity.WARNING, onset_at=NOON,
            ),
        )  # fmt: skip
    assert await town.orders() == []


async def test_an_alarm_that_becomes_worse_makes_its_order_as_urgent_once(town: Town) -> None:
    from alarms.detection import OrderPolicy
    from alarms.events import AlarmRaised, AlarmSeverityChanged
    from building.severity import Severity

    await town.detect("PUMP-01", "bearing_wear", order=OrderPolicy("repair", 3))
    (raised,) = town.outbox.of(AlarmRaised)
    order = await town.only_order()
    known = {name: getattr(raised, name) for name in raised.__struct_fields__}
    worse = AlarmSeverityChanged(**(known | {"severity": Severity.CRITICAL, "order_priority": 1, "is_worse": True}))
    for _ in range(2):
        await town.hand_out(worse)
    assert (await town.only_order()).priority == 1
    entries = [entry.what for entry in (await town.page(order.id)).timeline]
    assert (entries.count("upgraded"), entries.count("alarm_joined")) == (1, 0)
    better = AlarmSeverityChanged(**(known | {"severity": Severity.WARNING, "order_priority": 3, "is_worse": False}))
    await town.hand_out(better)
    assert (await town.only_order()).priority == 1


async def test_a_return_handled_before_its_raise_still_counts_as_proof(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear", deliver=False)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", "bearing_wear", active=False, deliver=False)
    raised, returned = town.outbox.events[0], town.outbox.events[-1]
    await town.hand_out(returned)
    await town.hand_out(raised)
    town.delivered = len(town.outbox.events)

    await work(town)
    await town.act((await town.only_order()).id, "pump_engineer", Action.FINISH, REAL)
    await town.sweep(seconds=IN_BAND_S)
    assert (await town.only_order()).state == OrderState.VERIFIED


async def test_who_acknowledged_the_alarm_stands_on_the_timeline_once(town: Town) -> None:
    await town.detect("PUMP-01", "bearing_wear")
    async with town.database.transaction() as session:
        (alarm,) = await session.scalars(select(Alarm))
        await town.alarms.acknowledge(
            session, Scope.everywhere(), alarm.id, actor=town.person["control_room"]
        )  # fmt: skip
    await town.deliver(times=2)
    seen = [entry for entry in (await town.page((await town.only_order()).id)).timeline if "ack" in entry.what]
    assert [entry.actor_id for entry in seen] == [town.person["control_room"]]
