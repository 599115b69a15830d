"""Floods over HTTP, on a real PostgreSQL."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from alarms import endpoints as alarm_endpoints
from alarms.flood.endpoints import STATUS, router
from alarms.flood.figures import Proposal
from alarms.flood.models import AlarmGroup
from alarms.flood.service import FloodService
from catalog import endpoints as catalog_endpoints
from hub.texts import load_texts
from kit.access import Role, Scope
from kit.db import Database
from kit.ids import new_id
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import somebody
from tests.api import FakeLogins, client_of, make_app

SPAN = {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=10)).isoformat()}


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(database: Database, place: Place, logins: FakeLogins) -> FastAPI:
    services = [place.alarms, FloodService(load_texts(), place.clock)]
    routers = [router, alarm_endpoints.router]
    status = STATUS | alarm_endpoints.STATUS | catalog_endpoints.STATUS
    rooms = ["alarms", "catalog"]
    return make_app(database, routers=routers, rooms=rooms, services=services, status=status, logins=logins)


@pytest.fixture
async def busy(database: Database, place: Place) -> None:
    """A pump that chatters, two that do not, smoke, and four elevators' worth of the same in one building."""
    blinks = [place.detection(onset_s=20 * number) for number in range(4)]
    ends = [place.detection(onset_s=20 * number, active=False, at_s=20 * number + 8) for number in range(4)]
    lifts = [place.detection(code, source_id=key, fault_mode=key) for code in ("LIFT-01", "LIFT-02") for key in "ab"]
    async with database.transaction() as session:
        for begin, end in zip(blinks, ends, strict=True):
            await place.alarms.apply(session, [begin])
            await place.alarms.apply(session, [end])
        await place.alarms.apply(session, [place.smoke(), *lifts])


@pytest.mark.usefixtures("busy")
async def test_a_group_is_shown_with_its_alarms(app: FastAPI, place: Place, logins: FakeLogins) -> None:
    async with client_of(app, token=logins.add(Role.TESTER, site_id=place.site_id)) as client:
        page = (await client.get("/api/v1/alarm-groups", params={"lasting": True, "kind": "area"})).json()
        [group] = page["items"]
        assert (group["equipment_kind"], group["alarms"], group["tellings"]) == ("elevator", 4, 1)
        listed = (await client.get("/api/v1/alarms", params={"group": group["id"]})).json()
        assert {alarm["equipment_code"] for alarm in listed["items"]} == {"LIFT-01", "LIFT-02"}
        assert {alarm["group_id"] for alarm in listed["items"]} == {group["id"]}
        assert (await client.get(f"/api/v1/alarm-groups/{group['id']}")).json() == group
        assert (await client.get("/api/v1/alarms", params={"root": group["id"]})).json()["total"] == 0
    async with client_of(app, token=logins.add(Role.MANAGER, site_id=new_id())) as stranger:
        assert (await stranger.get(f"/api/v1/alarm-groups/{group['id']}")).status_code == 404
        assert (await stranger.get("/api/v1/alarm-groups")).json()["items"] == []
        assert (await stranger.get("/api/v1/alarm-load", params=SPAN)).json()["announcements"] == 0
        elsewhere = {**SPAN, "site": str(place.site_id)}
        assert (await stranger.get("/api/v1/alarm-load", params=elsewhere)).json()["code"] == "site_not_found"


@pytest.mark.usefixtures("busy")
async def test_a_group_is_acknowledged_as_one_and_what_explains_a_family_with_it(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins
) -> None:
    manager = logins.add(Role.MANAGER, site_id=place.site_id, person_id=await somebody(database))
    async with client_of(app, token=manager) as client, client_of(app, token=logins.add(Role.TESTER)) as tester:
        [group] = (await client.get("/api/v1/alarm-groups")).json()["items"]
        assert (group["open_alarms"], group["unacknowledged"]) == (4, 4)
        address = f"/api/v1/alarm-groups/{group['id']}/acknowledge"
        assert (await tester.post(address, json={})).status_code == 403
        assert (await client.post(f"/api/v1/alarm-groups/{new_id()}/acknowledge", json={})).status_code == 404
        answered = (await client.post(address, json={"note": "已派人"})).json()
        assert (answered["open_alarms"], answered["unacknowledged"]) == (4, 0)
        listed = (await client.get("/api/v1/alarms", params={"active": True})).json()["items"]
        states = {alarm["equipment_code"]: alarm["state"] for alarm in listed}
        assert states == {"LIFT-01": "ACKED", "LIFT-02": "ACKED", "PUMP-01": "RTN_UNACKED", "SMOKE-001": "UNACKED"}
        one = next(alarm for alarm in listed if alarm["group_id"] is not None)
        last = (await client.get(f"/api/v1/alarms/{one['id']}/history")).json()[-1]
        assert (last["kind"], last["note"]) == ("acknowledged", "已派人")
        # What joins afterwards asks for itself, and of a family what explains it is acknowledged too.
        root = next(alarm for alarm in listed if alarm["equipment_code"] == "PUMP-01")
        async with database.transaction() as session:
            await place.alarms.apply(session, [place.detection("LIFT-01", source_id="c", fault_mode="c", onset_s=99)])
            await session.execute(
                update(AlarmGroup).where(AlarmGroup.id == UUID(group["id"])).values(root_id=UUID(root["id"]))
            )
        assert (await client.get(f"/api/v1/alarm-groups/{group['id']}")).json()["unacknowledged"] == 1
        assert (await client.post(address, json={})).json()["unacknowledged"] == 0
        assert (await client.get(f"/api/v1/alarms/{root['id']}")).json()["state"] == "NORMAL"


@pytest.mark.usefixtures("busy")
async def test_the_load_is_measured_without_life_safety_and_its_worst_rule_has_a_proposal(
    app: FastAPI, place: Place, logins: FakeLogins
) -> None:
    async with client_of(app, token=logins.add(Role.MANAGER, site_id=place.site_id)) as client:
        found = (await client.get("/api/v1/alarm-load", params={**SPAN, "operators": 2})).json()
    assert (found["announcements"], found["told"], found["peak_10_min"], found["load"]) == (8, 5, 4, "acceptable")
    assert found["per_10_min"] == pytest.approx(8 / 2 / 60)
    assert found["severities"] == {"major": 1}
    assert found["standing"] == {"open": 5, "stale": 0, "flapping": 0, "held_back": 0}
    worst = found["worst_rules"][0]
    assert [rule["source_id"] for rule in found["worst_rules"]] == ["pump-bearing-wear", "a", "b"]
    assert (worst["announcements"], worst["share"], worst["top_equipment"]) == (4, 0.5, "PUMP-01")
    assert (worst["episodes"], worst["fleeting"], worst["returns"], worst["median_s"]) == (4, 4, 3, 8)
    assert worst["proposal"] == Proposal.KEEP  # four are few


@pytest.mark.usefixtures("busy")
async def test_what_chatters_flaps_or_lasts_is_listed(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins
) -> None:
    async with database.transaction() as session:
        for number in range(5, 7):
            await place.alarms.apply(session, [place.detection(onset_s=60 * number)])
    async with client_of(app, token=logins.add(Role.ENGINEER, site_id=place.site_id)) as client:
        [chatterer] = (await client.get("/api/v1/alarm-views/chattering", params=SPAN)).json()
        assert (chatterer["equipment_code"], chatterer["most"], chatterer["episodes"]) == ("PUMP-01", 3, 6)
        [flapping] = (await client.get("/api/v1/alarm-views/flapping")).json()["items"]
        assert (flapping["equipment_code"], flapping["flapping_since"]) == ("PUMP-01", "2026-11-22T04:00:00Z")
        worst = (await client.get("/api/v1/alarm-load", params=SPAN)).json()["worst_rules"][0]
        assert (worst["proposal"], worst["proposal_seconds"]) == ("longer_clear", 180)
        assert "clear_for" in worst["proposal_text"]["zh-CN"]
        assert (await client.get("/api/v1/alarm-views/stale")).json()["total"] == 0
        place.clock.advance(seconds=25 * 3600)
        stale = (await client.get("/api/v1/alarm-views/stale")).json()["items"]
        assert {alarm["equipment_code"] for alarm in stale} == {"PUMP-01", "LIFT-01", "LIFT-02", "SMOKE-001"}
        async with database.transaction() as session:
            a_day = timedelta(days=1)
            lift = UUID(next(one["id"] for one in stale if one["equipment_code"] == "LIFT-01"))
            await place.alarms.shelve(session, Scope.everywhere(), lift, span=a_day, actor=None, note="等备件")
        listed = (await client.get("/api/v1/alarm-views/stale")).json()["items"]
        standing = (await client.get("/api/v1/alarm-load")).json()["standing"]
        ordinary = [one for one in listed if not one["life_safety"]]
        assert (len(listed), standing["stale"], standing["held_back"]) == (len(stale) - 1, len(ordinary), 1)
        refused = await client.get("/api/v1/alarm-load", params={"since": SPAN["until"], "until": SPAN["since"]})
        assert (refused.status_code, refused.json()["code"]) == (422, "load_span_not_possible")
