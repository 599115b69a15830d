"""Wear becomes a predicted order, the engineer's closing code a label, and the label a figure: on real PostgreSQL."""

from dataclasses import replace

from sqlalchemy import select

from alarms.models import Alarm
from kit.access import Role, Scope
from predictive.predictions.finding import Method
from predictive.training.card import Family
from predictive.training.fresh_start import FreshStarts
from tests.predictive.predictions.plant import DAY, LIFT, PUMP, Plant
from ticketing.flow import Action
from ticketing.kinds import Category, ClosingCode, OrderState


async def test_wear_becomes_an_order_with_its_reason_and_the_closing_code_a_figure(plant: Plant) -> None:
    await plant.find(plant.finding(confidence=0.6))
    (alarm,) = await plant.alarms()
    assert (alarm.severity, alarm.order_kind) == ("warning", None)
    assert not await plant.town.orders(), "not sure enough for an order"

    await plant.find(plant.finding(), plant.finding())
    (order,) = await plant.town.orders()
    assert order.fault_mode == "bearing_wear"
    assert order.title["zh-CN"] == (
        "轴承磨损：振动速度 4.10 mm/s，9 天内上升 38%；同类设备为 2.60–3.00；预计还能运行 10–24 天"
    )
    assert "up 38 % in 9 days; its peers have 2.60–3.00; 10–24 days left" in order.title["en"]
    (row,) = await plant.rows()
    assert row.state == "ordered"
    assert row.of_waiting > row.of_going

    plant.town.clock.advance(seconds=86_400)
    await plant.finish(ClosingCode.REAL_FAULT, fault_mode="bearing_wear", cause="wear", remedy="replaced")
    (row,) = await plant.rows()
    assert (row.state, row.label, row.label_why) == ("settled", "true", "closing_code")
    (alarm,) = await plant.alarms()
    assert (alarm.is_present, alarm.label) == (False, "real_fault")
    async with plant.town.database.transaction() as session:
        assert plant.town.equipment[PUMP] in await FreshStarts().all(session, Scope.everywhere())

    (figures,) = await plant.ask("GET", "/insight/prediction-figures")
    counted = {key: figures[key] for key in ("method", "true", "false", "precision", "failures", "recall", "prevented")}
    assert counted == {
        "method": "drift", "true": 1, "false": 0, "precision": 1.0, "failures": 1, "recall": 1.0, "prevented": 1,
    }  # fmt: skip
    await plant.find(plant.finding(mode="bearing_wear", confidence=0.3))
    newest = (await plant.ask("GET", f"/predictive/equipment/{row.equipment_id}/predictions", role=Role.ENGINEER))[0]
    why = await plant.ask("GET", f"/predictive/predictions/{newest['id']}/why", role=Role.ENGINEER)
    assert [(one["label"], one["order_id"]) for one in why["similar"]] == [("true", str(order.id))]
    assert (why["points"][0]["point_key"], len(why["chart"]["point_nos"])) == ("vibration_mm_s", 1)


async def test_the_page_of_an_equipment_says_in_one_answer_what_models_know_of_it(plant: Plant) -> None:
    await plant.find(plant.finding())
    pump = plant.town.equipment[PUMP]
    page = await plant.ask("GET", f"/predictive/equipment/{pump}/page", role=Role.ENGINEER)
    (prediction,) = page["predictions"]
    assert (prediction["mode"], prediction["state"], prediction["days_left"]["median"]) == (
        "bearing_wear",
        "ordered",
        16,
    )
    assert (page["watch"]["state"], page["health"]["state"], page["remaining_life"]) == ("no_data", "no_data", [])
    assert all(page[part]["words"] for part in ("watch", "health"))
    muted = {"site_id": str(plant.town.site_id), "method": "drift", "equipment_kind": "pump", "note": "季节试验"}
    await plant.ask("POST", "/predictive/mutings", json=muted)
    of_pump, of_lift = [
        await plant.ask("GET", f"/predictive/equipment/{plant.town.equipment[code]}/page") for code in (PUMP, LIFT)
    ]
    assert ([one["note"] for one in of_pump["mutings"]], of_lift["mutings"]) == (["季节试验"], [])


async def test_a_repair_that_nobody_predicted_begins_the_equipment_afresh_when_parts_went_into_it(plant: Plant) -> None:
    town = plant.town
    begun: list[bool] = []
    fault = {"fault_mode": "bearing_wear", "cause": "wear", "remedy": "replaced"}
    for code, found, parts in (
        (ClosingCode.REAL_FAULT, fault, 0), (ClosingCode.NO_FAULT_FOUND, {}, 1), (ClosingCode.REAL_FAULT, fault, 1),
    ):  # fmt: skip
        await town.report(category=Category.NO_WATER, equipment_id=town.equipment[PUMP], text="泵房异响")
        order = next(one for one in await town.orders() if one.settled_at is None and one.done_at is None)
        await plant.take_parts(order.id, parts)
        town.clock.advance(seconds=3_600)
        await plant.finish(code, **found)
        async with town.database.transaction() as session:
            begun.append(town.equipment[PUMP] in await FreshStarts().all(session, Scope.everywhere()))
    assert begun == [False, False, True]


async def test_what_shows_no_signs_any_more_is_called_off_unless_somebody_has_begun(plant: Plant) -> None:
    await plant.find(plant.finding())
    await plant.find(plant.finding(is_present=False))
    (order,) = await plant.town.orders()
    (alarm,) = await plant.alarms()
    assert (order.state, alarm.is_present) == (OrderState.CANCELLED, False)

    plant.town.clock.advance(seconds=60)
    await plant.find(plant.finding(mode="run_hours"))
    begun = next(one for one in await plant.town.orders() if one.state != OrderState.CANCELLED)
    await plant.act(begun.id, Action.ACCEPT)
    await plant.act(begun.id, Action.ARRIVE)
    plant.town.clock.advance(seconds=4 * 86_400)
    async with plant.town.database.transaction() as session:
        await plant.room.ending.expire(session)
    await plant.hear()
    assert (await plant.town.order(begun.id)).state == OrderState.ON_SITE
    assert (await plant.town.told("pump_engineer"))[-1] == "staff.warning"
    assert [row.state for row in await plant.rows()] == ["withdrawn", "expired"]


async def test_two_things_predicted_of_one_equipment_are_one_order_until_both_are_gone(plant: Plant) -> None:
    await plant.find(plant.finding(), plant.finding(mode="run_hours"))
    order = await plant.town.only_order()
    await plant.find(plant.finding(is_present=False))
    assert (await plant.town.only_order()).state == order.state
    await plant.find(plant.finding(mode="run_hours", is_present=False))
    assert (await plant.town.only_order()).state == OrderState.CANCELLED


async def test_what_a_whole_building_shows_at_once_is_one_order_more_and_not_one_each(plant: Plant) -> None:
    """The third of a building on the same day shares an order, as the settings of this test say."""
    codes = (LIFT, "LIFT-02", "SMOKE-01")
    await plant.find(*(plant.finding(code=code, mode="unusual", points=()) for code in codes))
    assert len(await plant.town.orders()) == len(codes)
    async with plant.town.database.transaction() as session:
        joins = await session.execute(select(Alarm.equipment_code, Alarm.order_joins).order_by(Alarm.raised_at))
    assert sorted(str(how) for _, how in joins) == ["building", "fault", "fault"]


async def test_a_planned_visit_that_comes_soon_enough_takes_the_prediction_along(plant: Plant) -> None:
    visit_at = plant.town.clock.now() + 3 * DAY
    await plant.town.report(
        category=Category.NO_WATER, equipment_id=plant.town.equipment[PUMP], appointment_at=visit_at, text="季度保养"
    )
    await plant.find(plant.finding())
    await plant.town.only_order()
    (row,) = await plant.rows()
    assert (row.state, row.visit_at) == ("ordered", visit_at)


async def test_a_model_on_trial_raises_nothing_and_is_promoted_by_a_person(plant: Plant) -> None:
    champion, shadow = await plant.model("a"), await plant.model("bb")
    found = plant.finding(method=Method.DETECTORS, model_id=shadow.id, is_shadow=True)
    await plant.find(found, replace(found, equipment_id=plant.town.equipment[LIFT], points=()))
    assert (await plant.alarms(), await plant.town.orders()) == ([], [])
    assert {(row.state, row.held_back) for row in await plant.rows()} == {("open", "shadow")}
    (trial,) = await plant.ask("GET", "/insight/model-trials")
    assert (trial["champion"]["id"], trial["of_champion"]) == (str(champion.id), [])
    assert sorted((one["equipment_kind"], one["orders"]) for one in trial["of_shadow"]) == [
        ("elevator", 1),
        ("pump", 1),
    ]
    await plant.ask("POST", f"/insight/model-trials/{shadow.id}/promote", json={"note": "误报更少"})
    async with plant.town.database.transaction() as session:
        (standing,) = await plant.store.champions(session, Scope.everywhere(), family=Family.DETECTORS)
    assert (standing.id, standing.metrics["promoted_on"]["note"]) == (shadow.id, "误报更少")


async def test_a_model_below_its_bar_is_muted_until_a_person_lifts_that(plant: Plant) -> None:
    for mode in ("bearing_wear", "run_hours", "unusual"):
        await plant.find(plant.finding(mode=mode))
        await plant.finish(ClosingCode.FALSE_ALARM)
        plant.town.clock.advance(seconds=60)
    async with plant.town.database.transaction() as session:
        await plant.measures.measures.mute_what_falls_short(session)
    (muting,) = await plant.ask("GET", "/predictive/mutings", role=Role.ENGINEER)
    assert (muting["method"], muting["muted_by"], muting["facts"]["precision"]) == ("drift", None, 0.0)

    orders = len(await plant.town.orders())
    await plant.find(plant.finding(mode="filter_clogging"))
    assert len(await plant.town.orders()) == orders
    assert (await plant.rows())[-1].held_back == "muted"
    await plant.ask("POST", f"/predictive/mutings/{muting['id']}/lift", json={"note": "换了传感器"})
    async with plant.town.database.transaction() as session:
        await plant.measures.measures.mute_what_falls_short(session)
    assert await plant.ask("GET", "/predictive/mutings") == [], "what was wrong before is forgiven"
    await plant.find(plant.finding(mode="filter_clogging"))
    assert len(await plant.town.orders()) == orders + 1


async def test_what_somebody_has_just_found_nothing_of_is_not_raised_again(plant: Plant) -> None:
    await plant.find(plant.finding())
    await plant.finish(ClosingCode.NO_FAULT_FOUND)
    plant.town.clock.advance(seconds=3_600)
    await plant.find(plant.finding())
    assert [row.held_back for row in await plant.rows()] == [None, "answered"]
    assert len(await plant.town.orders()) == 1


async def test_what_is_over_or_decided_elsewhere_is_refused_with_the_way_to_go(plant: Plant) -> None:
    await plant.find(plant.finding(), plant.finding(code=LIFT, mode="unusual", confidence=0.6, points=()))
    ordered, told = sorted(await plant.rows(), key=lambda row: row.state)
    said = {"label": "false", "note": "现场正常"}
    by_order = await plant.answer("POST", f"/predictive/predictions/{ordered.id}/answer", json=said)
    assert (by_order.status_code, by_order.json()["code"]) == (409, "answer_by_order")
    assert (await plant.ask("POST", f"/predictive/predictions/{told.id}/answer", json=said))["label"] == "false"
    again = await plant.answer("POST", f"/predictive/predictions/{told.id}/answer", json=said)
    assert (again.status_code, again.json()["code"]) == (409, "prediction_over")

    muted = {"site_id": str(plant.town.site_id), "method": "drift", "equipment_kind": "pump", "note": "水泵房改造"}
    muting = await plant.ask("POST", "/predictive/mutings", json=muted)
    assert (await plant.answer("POST", "/predictive/mutings", json=muted)).status_code == 409
    lift = f"/predictive/mutings/{muting['id']}/lift"
    await plant.ask("POST", lift, json={"note": "改造结束"})
    assert (await plant.answer("POST", lift, json={"note": "改造结束"})).status_code == 409
    champion = await plant.model("a")
    promoted = await plant.answer("POST", f"/insight/model-trials/{champion.id}/promote", json={"note": "更好"})
    assert (promoted.status_code, promoted.json()["code"]) == (409, "not_in_shadow")
