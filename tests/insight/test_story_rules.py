"""A rule over the stored history of a pump, and what closing codes say of it, through HTTP on real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest

from alarms.models import Alarm
from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from insight.rules.endpoints import STATUS, router
from insight.rules.models import RuleReplay
from insight.rules.room import RuleMeasures, build_rule_measures
from kit.access import Role, Scope
from kit.clock import to_ms
from kit.i18n import Texts
from kit.ids import new_id
from kit.jobs import new_app
from rules.endpoints import STATUS as RULE_STATUS
from rules.schemas import RuleDefinition
from rules.service import RuleService
from telemetry.duckdb_store import DuckDbStore
from tests.api import FakeLogins, client_of, make_app
from tests.insight.orders import MINUTE, order, write
from tests.ticketing.town import NOON, PROFILES, Town
from ticketing.models import WorkOrderAlarm
from ticketing.working.models import LabourEntry

DAY = timedelta(days=1)
RULE: dict[str, Any] = {
    "key": "pump-heat", "name": {"zh-CN": "轴承过热", "en": "Bearing hot"},
    "message": {"zh-CN": "轴承 {bearing_temp_c} °C", "en": "Bearing {bearing_temp_c} °C"},
    "profile": "grundfos-cim-pump", "when": "bearing_temp_c > hot_c", "for": "1m", "params": {"hot_c": 75},
    "severity": "major", "fault_mode": "bearing_wear", "order": {"kind": "repair", "priority": 2},
}  # fmt: skip
ELSEWHERE = RULE | {"profile": "shelly-gen2-switch", "when": "power_w > 5", "message": RULE["name"], "params": {}}
# Days before noon on which the bearing was hot for an hour, how hot, and what it was.
REAL = {2: 92.0, 4: 95.0, 6: 90.0, 8: 91.0}
FALSE = {1: 77.0, 3: 78.0, 5: 79.0, 7: 76.0, 9: 77.0, 10: 78.5, 11: 79.0}


@dataclass
class Plant:
    town: Town
    room: RuleMeasures
    client: httpx.AsyncClient
    logins: FakeLogins

    def caller(self, *, person: str = "manager", site_id: UUID | None = None) -> dict[str, str]:
        token = self.logins.add(Role.MANAGER, site_id=site_id or self.town.site_id, person_id=self.town.person[person])
        return {"authorization": f"Bearer {token}"}

    async def ask(self, headers: dict[str, str], **body: Any) -> httpx.Response:
        wanted = {"definition": RULE, "since": (NOON - 12 * DAY).isoformat(), "until": NOON.isoformat()} | body
        return await self.client.post("/api/v1/insight/rule-replays", headers=headers, json=wanted)

    async def get(self, path: str, headers: dict[str, str]) -> Any:
        answer = await self.client.get(f"/api/v1/insight{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work(self, replay_id: str) -> None:
        async with self.town.database.transaction() as session:
            await self.room.replays.replay(session, replay_id=replay_id)


@pytest.fixture
async def plant(town: Town, tmp_path: Path) -> AsyncIterator[Plant]:
    app, logins, directory = new_app(town.database.url), FakeLogins(), LiveDirectory(None)  # type: ignore[arg-type]
    async with town.database.transaction() as session:
        directory.replace(await load_directory(session))
    rules = RuleService(PROFILES, directory, Texts.load(["kit", "rules"]), town.clock)
    async with DuckDbStore(tmp_path / "telemetry", clock=town.clock) as store, app.open_async():
        await store.append([(1, hot_hours(directory, town.equipment["PUMP-01"]))])
        room = build_rule_measures(
            database=town.database, app=app, rules=rules, queries=store, directory=directory, clock=town.clock,
            readings=20_000,
        )  # fmt: skip
        async with town.database.transaction() as session:
            stricter = RuleDefinition.model_validate(RULE | {"params": {"hot_c": 77.5}})
            await rules.add(session, Scope.everywhere(), stricter, enabled=True, author=town.person["manager"])
        api = make_app(
            town.database, routers=[router], rooms=["rules", "insight"], services=list(room.provided),
            status={**RULE_STATUS, **STATUS}, logins=logins,
        )  # fmt: skip
        async with client_of(api) as client:
            yield Plant(town, room, client, logins)


def hot_hours(directory: LiveDirectory, equipment_id: UUID) -> ReadingBatch:
    """13 days of a bearing, a reading in its interval; hot from each of those noons on for an hour."""
    point = directory.current.by_id[equipment_id].points["bearing_temp_c"]
    step_ms = round(point.reporting.interval_s * 1000)
    ts_ms = np.arange(to_ms(NOON - 13 * DAY), to_ms(NOON), step_ms, dtype=np.int64)
    value = np.full(len(ts_ms), 60.0)
    for ago, temperature in (REAL | FALSE).items():
        begins_ms = to_ms(NOON - ago * DAY)
        value[(ts_ms >= begins_ms) & (ts_ms < begins_ms + 3_600_000)] = temperature
    return ReadingBatch(np.full(len(ts_ms), point.point_no, np.int32), ts_ms, value, np.zeros(len(ts_ms), np.uint8))


def onset(ago: int) -> datetime:
    return NOON - ago * DAY


async def write_history(town: Town) -> None:
    """A labelled alarm for each hot hour, an order behind each, and an hour's work on every order."""
    equipment_id = town.equipment["PUMP-01"]
    async with town.database.transaction() as session:
        for number, ago in enumerate(sorted(REAL | FALSE), start=1):
            label = "real_fault" if ago in REAL else "false_alarm"
            row = order(
                town.site_id, number, opened_at=onset(ago) + 30 * MINUTE, equipment_id=equipment_id,
                equipment_code="PUMP-01", fault_mode="bearing_wear", closing_code=label, channel="sensor",
            )  # fmt: skip
            await write(session, [row])
            alarm_id = new_id()
            session.add(
                Alarm(
                    id=alarm_id, site_id=town.site_id, equipment_id=equipment_id, site_code="t",
                    equipment_code="PUMP-01", equipment_name="1号水泵", source="rule", source_id="pump-heat",
                    fault_mode="bearing_wear", severity="major", severity_rank=1, life_safety=False, state="NORMAL",
                    is_present=False, message={"zh-CN": "热", "en": "hot"}, values={}, onset_at=onset(ago),
                    episode_onset_at=onset(ago), raised_at=onset(ago) + MINUTE, returned_at=onset(ago) + 60 * MINUTE,
                    label=label,
                )
            )  # fmt: skip
            await session.flush()
            behind = {"alarm_id": alarm_id, "onset_at": onset(ago), "work_order_id": row["id"]}
            session.add(
                WorkOrderAlarm(**behind, site_id=town.site_id, fault_mode="bearing_wear", joined_at=onset(ago) + MINUTE)
            )
            session.add(
                LabourEntry(
                    site_id=town.site_id, work_order_id=row["id"], person_id=town.person["manager"],
                    started_at=onset(ago) + 60 * MINUTE, ended_at=onset(ago) + 120 * MINUTE, source="told",
                    entered_at=NOON,
                )
            )  # fmt: skip


async def test_a_draft_is_replayed_beside_the_rule_as_it_is_now(plant: Plant) -> None:
    await write_history(plant.town)
    mine = plant.caller()
    asked = await plant.ask(mine)
    assert asked.status_code == 202, asked.text
    replay_id = asked.json()["id"]
    assert asked.json()["state"] == "waiting"
    again = await plant.ask(mine)
    assert (again.status_code, again.json()["code"], again.json()["facts"]["replay_id"]) == (
        409, "replay_under_way", replay_id,
    )  # fmt: skip

    await plant.work(replay_id)
    told = await plant.get(f"/rule-replays/{replay_id}", mine)
    assert (told["state"], told["progress"], told["failure"]) == ("done", 1.0, None)
    draft, present = told["answer"]["draft"], told["answer"]["present"]
    assert (draft["alarms"], draft["met"], draft["refuted"], draft["unmet"]) == (11, 4, 7, 0)
    assert (draft["precision"], draft["recall"], draft["faults"]) == (round(4 / 11, 4), 1.0, 4)
    assert (draft["orders"], draft["median_min"], draft["lead_min"]) == (11, 60.0, 29.0)
    assert [day["alarms"] for day in draft["by_day"]] == [1] * 11
    assert [(one["code"], one["alarms"]) for one in draft["by_equipment"]] == [("PUMP-01", 11)]
    assert draft["last_alarms"][0]["verdict"] == "refuted"
    assert draft["last_alarms"][0]["order_number"].startswith("WO-")
    assert (present["alarms"], present["met"], present["refuted"], present["recall"]) == (8, 4, 4, 1.0)
    assert (told["answer"]["only_draft"], told["answer"]["only_present"]) == (3, 0)

    assert [one["id"] for one in await plant.get("/rule-replays", mine)] == [replay_id]
    theirs = plant.caller(person="dispatcher")
    assert await plant.get("/rule-replays", theirs) == []
    other = await plant.client.get(f"/api/v1/insight/rule-replays/{replay_id}", headers=theirs)
    assert (other.status_code, other.json()["code"]) == (404, "replay_not_found")


async def test_a_cancelled_replay_ends_and_makes_room_for_the_next(plant: Plant) -> None:
    mine = plant.caller()
    replay_id = (await plant.ask(mine)).json()["id"]
    cancelled = await plant.client.delete(f"/api/v1/insight/rule-replays/{replay_id}", headers=mine)
    assert cancelled.json()["cancelling"] is True
    await plant.work(replay_id)
    told = await plant.get(f"/rule-replays/{replay_id}", mine)
    assert (told["state"], told["answer"]) == ("cancelled", None)
    assert (await plant.ask(mine)).status_code == 202


async def test_what_cannot_be_replayed_is_refused_in_words(plant: Plant) -> None:
    mine = plant.caller()
    refusals = [
        await plant.ask(mine, since=(NOON - 200 * DAY).isoformat()),
        await plant.ask(mine, until=(NOON - 20 * DAY).isoformat()),
        await plant.ask(mine, definition=ELSEWHERE),
        await plant.ask(mine, definition=None, key="no-such-rule"),
        await plant.ask(mine, definition=RULE | {"when": "bearing_temp > 75"}),
        await plant.ask(plant.caller(site_id=new_id())),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["code"]) for one in refusals] == [
        (422, "replay_too_long"), (422, "replay_span_empty"), (422, "replay_covers_nothing"), (404, "rule_not_found"),
        (422, "misspelled_name"), (422, "replay_covers_nothing"),
    ]  # fmt: skip


async def test_a_replay_that_cannot_be_done_says_so_and_is_over(plant: Plant) -> None:
    mine = plant.caller()
    replay_id = (await plant.ask(mine)).json()["id"]
    async with plant.town.database.transaction() as session:
        row = await session.get_one(RuleReplay, UUID(replay_id))
        row.definition = row.definition | {"when": "gone > 1"}
    await plant.work(replay_id)
    told = await plant.get(f"/rule-replays/{replay_id}", mine)
    assert (told["state"], told["failure"]) == ("failed", "unknown_name")


async def test_closing_codes_score_a_rule_and_propose_a_threshold(plant: Plant) -> None:
    mine = plant.caller()
    empty = await plant.get("/rule-labels/pump-heat", mine)
    assert (empty["alarms"], empty["precision"]) == (0, None)
    few = await plant.get("/rule-labels/pump-heat/proposal", mine)
    assert (few["refused"], few["labelled"], few["needed"], few["thresholds"]) == ("too_few_labels", 0, 10, [])

    await write_history(plant.town)
    async with plant.town.database.transaction() as session:
        rules = plant.room.labels._rules
        row = await rules.get(session, Scope.everywhere(), "pump-heat")
        definition = RuleDefinition.model_validate(RULE)
        author = plant.town.person["manager"]
        await rules.change(
            session, Scope.everywhere(), "pump-heat", definition, enabled=True, version=row.version, author=author
        )
    (scored,) = await plant.get("/rule-labels", mine)
    assert (scored["alarms"], scored["real"], scored["false"], scored["unlabelled"]) == (11, 4, 7, 0)
    assert scored["precision"] == round(4 / 11, 4)
    # An hour's work on each of seven, and a quarter of an hour's way from accepting to arriving.
    assert (scored["false_alarm_min"], scored["costed"]) == (7 * 75.0, 7)

    told = await plant.get("/rule-labels/pump-heat/proposal", mine)
    assert (told["refused"], told["labelled"], told["real"], told["false"]) == (None, 11, 4, 7)
    (threshold,) = told["thresholds"]
    assert (threshold["parameter"], threshold["now"], threshold["false_dropped"]) == ("hot_c", 75.0, 7)
    assert threshold["proposed"] == 79.5
    async with plant.town.database.transaction() as session:
        row = await rules.get(session, Scope.everywhere(), "pump-heat")
        assert row.definition["params"] == {"hot_c": 75.0}
    unknown = await plant.client.get("/api/v1/insight/rule-labels/no-such-rule/proposal", headers=mine)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "rule_not_found")
