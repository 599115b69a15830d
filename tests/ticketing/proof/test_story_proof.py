"""Done, and what telemetry says to that: through HTTP, with the rules of the release and a store of readings."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from building.link import LinkChange
from building.quality import Quality
from building.reading import Reading, ReadingBatch
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from hub.telemetry_proof import TelemetryProof
from kit.clock import to_ms
from kit.i18n import Texts
from kit.ids import new_id
from rules.service import RuleService
from telemetry.engines import Engine, open_engine
from telemetry.service import TelemetryService
from telemetry.settings import TelemetrySettings
from tests.ticketing.door import Door, open_door
from tests.ticketing.town import NOON, Town
from ticketing.flow import Action
from ticketing.kinds import ClosingCode, OrderState
from ticketing.proof.evidence import ChartLine, Suspect
from ticketing.proof.verdict import Proof, Trust
from ticketing.words import Words

REAL = {"closing_code": "real_fault", "cause": "轴承缺油", "remedy": "更换轴承并加油"}
RULE, FAULT = "pump-bearing-wear", "bearing_wear"
HOT, COOL = {"bearing_temp_c": 84.0, "vibration_mm_s": 6.0}, {"bearing_temp_c": 50.0, "vibration_mm_s": 1.9}
MINUTE = timedelta(minutes=1)


@dataclass
class Plant:
    """A pump with readings, a desk, and the clock of the town."""

    town: Town
    door: Door
    store: Engine
    points: dict[str, int]
    written: int = 0

    async def run(self, values: dict[str, float], *, since: datetime, minutes: int) -> None:
        """Readings every ten seconds, as the pump is asked."""
        readings = [
            Reading(self.points[key], to_ms(since + timedelta(seconds=at_s)), value, Quality.OK)
            for at_s in range(0, minutes * 60 + 1, 10)
            for key, value in values.items()
        ]
        self.written += 1
        await self.store.append([(self.written, ReadingBatch.of(readings))])

    async def broken(self) -> str:
        """An order about a worn bearing, with the engineer at the pump."""
        await self.town.detect("PUMP-01", FAULT, rule=RULE, onset=self.town.clock.now())
        order = str((await self.town.orders())[-1].id)
        for action in ("accept", "arrive"):
            await self.door.act("pump_engineer", order, action)
        return order

    async def proofs(self, order: str) -> list[dict[str, Any]]:
        answer = await self.door.get("dispatcher", f"/work-orders/{order}/proofs")
        assert answer.status_code == 200, answer.text
        return list(answer.json())


@pytest.fixture
async def plant(town: Town, tmp_path: Path) -> AsyncIterator[Plant]:
    texts = Texts.load(["kit", "rules"])
    profiles = {profile.key: profile for profile in town.catalog.profiles()}
    async with town.database.transaction() as session:
        directory = LiveDirectory(await load_directory(session))
        rules = RuleService(profiles, directory, texts, town.clock)
        await rules.load_shipped(session)
    pump = directory.current.by_id[town.equipment["PUMP-01"]]
    async with open_engine(TelemetrySettings(_env_file=None), folder=tmp_path / "t", clock=town.clock) as store:
        telemetry = TelemetryService(queries=store, directory=directory, profiles=profiles, clock=town.clock)
        town.proof.real = TelemetryProof(telemetry, rules, town.catalog, directory)
        async with open_door(town) as door:
            yield Plant(town, door, store, {key: point.point_no for key, point in pump.points.items()})


async def test_out_of_band_reopens_with_the_chart_and_in_band_for_long_enough_verifies(plant: Plant) -> None:
    town, door = plant.town, plant.door
    await plant.run(HOT, since=NOON - 30 * MINUTE, minutes=61)
    order = await plant.broken()
    done = await door.act("pump_engineer", order, "finish", **REAL)
    assert (done["state"], done["proof"]) == ("done", "pending")
    assert (done["found_mode"], done["cause"], done["remedy"]) == (FAULT, REAL["cause"], REAL["remedy"])

    await town.sweep(seconds=29 * 60)
    assert (await door.order(order))["state"] == "done"
    await town.sweep(seconds=60)

    reopened = await door.order(order)
    assert (reopened["state"], reopened["proof"], reopened["cause"]) == ("dispatched", "refuted", None)
    (refuted,) = await plant.proofs(order)
    assert (refuted["verdict"], refuted["attempt"], refuted["doubt"]) == ("refuted", 1, None)
    lines = {line["key"]: line for line in refuted["chart"]}
    assert set(lines) == set(HOT), "the points of the rule, and no others"
    assert set(lines["bearing_temp_c"]["avg"]) == {84.0}
    assert len(lines["bearing_temp_c"]["at"]) == len(lines["bearing_temp_c"]["bad"]) > 50
    assert datetime.fromisoformat(lines["bearing_temp_c"]["at"][0]) <= NOON - 29 * MINUTE

    for action in ("accept", "arrive"):
        await door.act("pump_engineer", order, action)
    await plant.run(COOL, since=NOON + 31 * MINUTE, minutes=20)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", FAULT, rule=RULE, active=False)
    await door.act("pump_engineer", order, "finish", **REAL)
    await town.sweep(seconds=4 * 60)
    assert (await door.order(order))["proof"] == "pending"
    await town.sweep(seconds=60)

    assert (await door.order(order))["state"] == "verified"
    assert [(one["verdict"], one["attempt"]) for one in await plant.proofs(order)] == [("verified", 2), ("refuted", 1)]


async def test_telemetry_that_cannot_be_read_goes_to_the_supervisor_and_is_held_against_nobody(plant: Plant) -> None:
    town, door = plant.town, plant.door
    await plant.run(HOT, since=NOON - 10 * MINUTE, minutes=12)
    order = await plant.broken()
    await door.act("pump_engineer", order, "finish", **REAL)
    told = (await town.told("manager")).count("staff.escalation")
    await town.sweep(seconds=30 * 60)

    unproved = await door.order(order)
    assert (unproved["state"], unproved["proof"], unproved["proof_due_at"]) == ("done", "unproved", None)
    assert (unproved["proof_facts"]["doubt"], unproved["assignee_name"]) == ("silent", "张伟")
    assert [entry["why"] for entry in unproved["timeline"] if entry["what"] == "unproved"] == ["silent"]
    assert (await town.told("manager")).count("staff.escalation") == told + 1
    listed = (await door.get("dispatcher", "/work-orders", proof="unproved")).json()
    assert [line["id"] for line in listed["items"]] == [order]
    assert (await door.get("dispatcher", "/work-orders", proof="verified")).json()["total"] == 0

    await town.sweep(seconds=7 * 24 * 3600)
    assert (await door.order(order))["state"] == "done", "never reopened by itself"
    closed = await door.act("manager", order, "close")
    assert (closed["state"], closed["proof"]) == ("closed", "unproved")


async def test_what_was_unproved_is_proved_when_its_telemetry_returns(plant: Plant) -> None:
    town, door = plant.town, plant.door
    order = await plant.broken()
    async with town.database.transaction() as session:
        down = LinkChange(town.equipment["PUMP-01"], False, town.clock.now())
        await town.catalog.note_links(session, [down])
    await door.act("pump_engineer", order, "finish", **REAL)
    await town.sweep(seconds=30 * 60)
    assert (await door.order(order))["proof_facts"]["doubt"] == "link_down"

    async with town.database.transaction() as session:
        up = LinkChange(town.equipment["PUMP-01"], True, town.clock.now())
        await town.catalog.note_links(session, [up])
    await plant.run(COOL, since=town.clock.now(), minutes=10)
    await town.detect("PUMP-01", FAULT, rule=RULE, active=False)
    assert (await door.order(order))["proof"] == "pending"
    await town.sweep(seconds=5 * 60)
    assert (await door.order(order))["state"] == "verified"


async def test_an_alarm_during_the_window_refutes_at_once(plant: Plant) -> None:
    town, door = plant.town, plant.door
    order = await plant.broken()
    await plant.run(COOL, since=NOON, minutes=10)
    town.clock.advance(seconds=30)
    await town.detect("PUMP-01", FAULT, rule=RULE, active=False)
    await door.act("pump_engineer", order, "finish", **REAL)
    town.clock.advance(seconds=60)
    await town.detect("PUMP-01", FAULT, rule=RULE, onset=town.clock.now())

    again = await door.order(order)
    assert (again["state"], again["proof"], len(again["alarms"])) == ("dispatched", "refuted", 2)
    (refuted,) = await plant.proofs(order)
    assert (refuted["verdict"], len(refuted["chart"])) == ("refuted", 2)


async def test_a_rule_that_is_gone_proves_nothing(plant: Plant) -> None:
    town, door = plant.town, plant.door
    await town.detect("PUMP-01", FAULT, rule="somebody-deleted-it")
    order = str((await town.only_order()).id)
    await door.act("dispatcher", order, "finish", closing_code="no_fault_found")
    await town.detect("PUMP-01", FAULT, rule="somebody-deleted-it", active=False)
    await town.sweep(seconds=30 * 60)
    assert (await door.order(order))["proof_facts"]["doubt"] == "rule_gone"


async def test_what_belongs_to_a_closing_code_is_asked_for_and_nothing_else(plant: Plant) -> None:
    town, door = plant.town, plant.door
    order = await plant.broken()
    path = f"/work-orders/{order}/actions"

    async def refused(**words: Any) -> tuple[int, str]:
        answer = await door.post("pump_engineer", path, action="finish", **words)
        return answer.status_code, answer.json()["facts"]["field"]

    assert await refused() == (422, "closing_code")
    assert await refused(closing_code="duplicate") == (422, "duplicate_of")
    assert await refused(closing_code="duplicate", duplicate_of=str(new_id())) == (422, "duplicate_of")
    assert await refused(closing_code="duplicate", duplicate_of=order) == (422, "duplicate_of")
    assert await refused(closing_code="test", cause="误操作") == (422, "cause")
    assert await refused(closing_code="real_fault", duplicate_of=order) == (422, "duplicate_of")
    assert "重复的工单" in (await door.post("pump_engineer", path, action="finish", closing_code="duplicate")).text

    other = await town.report(space_id=town.spaces["3-2-502"])
    done = await door.act(
        "pump_engineer", order, "finish", closing_code="duplicate", duplicate_of=str(other.report.work_order_id)
    )
    assert (done["proof"], done["family"]["duplicates"]["number"]) == (None, other.report.number)
    # Were each the other's duplicate, nobody would mend anything.
    round_about = {"action": "finish", "closing_code": "duplicate", "duplicate_of": order}
    back = await door.post("dispatcher", f"/work-orders/{other.report.work_order_id}/actions", **round_about)
    assert (back.status_code, back.json()["facts"]["field"]) == (422, "duplicate_of")
    proofs = f"/work-orders/{order}/proofs"
    assert (await door.ask("GET", "dispatcher", proofs, site_id=new_id())).status_code == 404
    await town.resident("wang", "3-2-502")
    assert (await door.get("wang", proofs)).status_code == 403


async def test_misuse_is_never_shown_to_the_owner(plant: Plant) -> None:
    town, door = plant.town, plant.door
    await town.resident("wang", "3-2-502")
    mine = await town.report(reporter_id=town.person["wang"], space_id=town.spaces["3-2-502"])
    order = mine.report.work_order_id
    await door.act(
        "dispatcher", order, "finish", closing_code="misuse", cause="业主自行拆装", note="与业主使用不当有关"
    )
    await door.act("dispatcher", order, "close")

    link = town.room.links.path(mine.report.report_id).removeprefix("/o/reports/")
    for path in ("/my/reports", f"/my/reports/{mine.report.report_id}", f"/reports/by-link/{link}"):
        seen = await door.get("wang", path)
        assert seen.status_code == 200, path
        assert not [word for word in ("misuse", "使用不当", "拆装") if word in seen.text], path
    for notice in await town.notices("wang"):
        assert "不当" not in f"{notice.facts}"
        assert "misuse" not in f"{notice.facts}"


class BrokenStore:
    """Telemetry that cannot be asked."""

    def __init__(self) -> None:
        self.questions = 0

    async def trust(self, session: AsyncSession, suspect: Suspect, *, since: datetime, now: datetime) -> Trust:
        self.questions += 1
        await session.execute(text("SELECT 1 / 0"))
        raise AssertionError("unreachable")

    async def chart(
        self, session: AsyncSession, suspects: Sequence[Suspect], *, start: datetime, end: datetime
    ) -> Sequence[ChartLine]:
        raise AssertionError("nothing was decided that could be drawn")


async def test_a_look_that_fails_is_counted_and_makes_room_for_others_until_it_is_taken_again(town: Town) -> None:
    await town.detect("PUMP-01", FAULT)
    order = (await town.only_order()).id
    for action in (Action.ACCEPT, Action.ARRIVE):
        await town.act(order, "pump_engineer", action)
    await town.act(order, "pump_engineer", Action.FINISH, Words(closing_code=ClosingCode.FALSE_ALARM))
    town.proof.real = store = BrokenStore()
    await town.sweep(seconds=30 * 60)
    await town.sweep(seconds=15)
    failures = town.registry.get_sample_value("hub_work_order_sweep_failures_total", {"sweep": "proof"})
    assert (store.questions, failures) == (1, 1)
    assert (await town.only_order()).state == OrderState.DONE

    town.proof.real = None
    await town.sweep(seconds=5 * 60)
    assert (await town.only_order()).proof == Proof.UNPROVED
