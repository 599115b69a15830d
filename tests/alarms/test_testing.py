"""A day of testing detectors, by the doors people use: two persons, named devices, and smoke that is smoke again."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import alarms.endpoints
import alarms.testing.endpoints
import catalog.endpoints
from alarms import events
from alarms.detection import AlarmSource
from alarms.events import AlarmRaised
from alarms.models import Alarm, Inhibition, InhibitionKind, TestWindow
from alarms.suppression import is_under_test
from alarms.testing.service import TestWindowService
from alarms.testing.window import TestWindowState, state_of
from catalog.service import CatalogService
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from notify.alerting.detector_tests import TestOverTelling, is_over
from notify.service import Notice, NotifyService
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import apply, somebody
from tests.api import FakeLogins, client_of, make_app
from ticketing.handlers import is_work

HOUR = timedelta(hours=1)


@pytest.fixture
def tests(place: Place) -> TestWindowService:
    return TestWindowService(CatalogService({}), place.directory, place.clock)


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(database: Database, place: Place, logins: FakeLogins, tests: TestWindowService) -> FastAPI:
    return make_app(
        database, routers=[alarms.endpoints.router, alarms.testing.endpoints.router], rooms=["alarms", "catalog"],
        services=[place.alarms, tests], logins=logins,
        status=catalog.endpoints.STATUS | alarms.endpoints.STATUS | alarms.testing.endpoints.STATUS,
    )  # fmt: skip


async def login(database: Database, place: Place, logins: FakeLogins, role: Role, name: str) -> str:
    return logins.add(role, site_id=place.site_id, person_id=await somebody(database, name))


async def begun(asking: httpx.AsyncClient, second: str, place: Place, *devices: str) -> str:
    body = {
        "site_id": str(place.site_id), "equipment_ids": [str(place.equipment_id(one)) for one in devices],
        "minutes": 120, "reason": "年度检测",
    }  # fmt: skip
    asked = await asking.post("/api/v1/test-windows", json=body)
    assert (asked.status_code, asked.json()["state"]) == (201, "asked"), asked.text
    address = f"/api/v1/test-windows/{asked.json()['id']}"
    alone = await asking.post(f"{address}/begin")
    assert (alone.status_code, alone.json()["code"]) == (409, "second_tester_needed")
    started = await asking.post(f"{address}/begin", headers={"authorization": f"Bearer {second}"})
    assert (started.json()["state"], started.json()["until"]) == ("running", "2026-11-22T06:00:00Z")
    return address


async def all_alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.equipment_code)))


async def test_a_test_marks_its_devices_raises_no_work_and_smoke_that_outlasts_it_is_real(
    app: FastAPI,
    database: Database,
    place: Place,
    logins: FakeLogins,
    tests: TestWindowService,
    outbox: RecordingOutbox,
) -> None:
    await apply(database, place, place.smoke("SMOKE-003"))
    first = await login(database, place, logins, Role.ENGINEER, "张工")
    second = await login(database, place, logins, Role.MANAGER, "王经理")
    async with client_of(app, token=first) as client:
        address = await begun(client, second, place, "SMOKE-001", "SMOKE-002", "SMOKE-003")
        transitions = await apply(
            database, place, place.smoke(onset_s=5), place.smoke("SMOKE-002", onset_s=6),
            place.smoke("SMOKE-002", onset_s=6, at_s=20, active=False), place.smoke("SMOKE-004", onset_s=7),
        )  # fmt: skip
        assert [(one.message.equipment, one.message.test) for one in transitions] == [
            ("SMOKE-001", True), ("SMOKE-002", True), ("SMOKE-004", False), ("SMOKE-002", True),
        ]  # fmt: skip
        listed = (await client.get("/api/v1/alarms", params={"test": "true"})).json()
        assert {(one["equipment_code"], one["suppressed_by"]) for one in listed["items"]} == {
            ("SMOKE-001", None), ("SMOKE-002", None),
        }  # fmt: skip
        marked = [raised for raised in outbox.of(AlarmRaised) if raised.is_test]
        assert [is_work(raised) for raised in marked] == [False, False]
        assert [is_work(raised) for raised in outbox.of(AlarmRaised) if not raised.is_test] == [True, True]

        ended = await client.post(f"{address}/end")
        assert ended.json()["state"] == "over"
        again = await client.post(f"{address}/end")
        assert (again.status_code, again.json()["code"]) == (409, "test_window_over")
    assert [(one.equipment_code, one.is_test, one.state, one.label) for one in await all_alarms(database)] == [
        ("SMOKE-001", False, "UNACKED", None),
        ("SMOKE-002", True, "NORMAL", "test"),
        ("SMOKE-003", False, "UNACKED", None),
        ("SMOKE-004", False, "UNACKED", None),
    ]
    last = outbox.of(AlarmRaised)[-1]
    assert (last.equipment_id, last.is_test, is_work(last)) == (place.equipment_id("SMOKE-001"), False, True)


async def test_smoke_that_nobody_answered_stays_real_when_its_detector_is_tested(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.smoke(onset_s=-60), place.smoke(onset_s=-60, at_s=-30, active=False))
    second = await login(database, place, logins, Role.MANAGER, "王经理")
    async with client_of(app, token=await login(database, place, logins, Role.ENGINEER, "张工")) as client:
        address = await begun(client, second, place, "SMOKE-001")
        await apply(database, place, place.smoke(onset_s=5), place.smoke(onset_s=5, at_s=9, active=False))
        await client.post(f"{address}/end")
    [smoke] = await all_alarms(database)
    assert (smoke.is_test, smoke.state, smoke.episodes) == (False, "RTN_UNACKED", 2), "the test answers for nobody"
    assert [is_work(raised) for raised in outbox.of(AlarmRaised)] == [True, True]


async def test_it_is_over_by_itself_and_what_comes_then_is_real(
    app: FastAPI,
    database: Database,
    place: Place,
    logins: FakeLogins,
    tests: TestWindowService,
    outbox: RecordingOutbox,
) -> None:
    second = await login(database, place, logins, Role.MANAGER, "王经理")
    async with client_of(app, token=await login(database, place, logins, Role.ENGINEER, "张工")) as client:
        address = await begun(client, second, place, "SMOKE-001", "SMOKE-002")
        await apply(database, place, place.smoke(onset_s=5))
        place.clock.advance(seconds=7_200)
        # Nobody has swept yet: the time is over all the same.
        await apply(database, place, place.smoke("SMOKE-002", onset_s=7_199))
        async with database.transaction() as session:
            await tests.expire(session)
        assert (await client.get(address)).json()["state"] == "over"
    assert [one.is_test for one in await all_alarms(database)] == [False, False]
    assert [raised.is_test for raised in outbox.of(AlarmRaised)] == [True, False, False]


async def test_anybody_presses_the_button_for_a_real_fire_and_every_test_of_the_site_is_over(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, outbox: RecordingOutbox
) -> None:
    second = await login(database, place, logins, Role.DISPATCHER, "小李")
    looker = await login(database, place, logins, Role.TESTER, "消防维保")
    async with client_of(app, token=await login(database, place, logins, Role.ENGINEER, "张工")) as client:
        await begun(client, second, place, "SMOKE-001")
        other = await begun(client, second, place, "SMOKE-002")
        await apply(database, place, place.smoke(onset_s=5), place.smoke("SMOKE-002", onset_s=6))
        smoke = (await all_alarms(database))[0]
        await client.post(f"/api/v1/alarms/{smoke.id}/acknowledge", json={})
        client.headers["authorization"] = f"Bearer {looker}"
        pressed = await client.post(f"/api/v1/alarms/{smoke.id}/real-fire", json={"note": "有明火"})
        assert (pressed.json()["is_test"], pressed.json()["state"]) == (False, "UNACKED")
        assert (await client.get(other)).json()["real_fire_at"] is not None
        twice = await client.post(f"/api/v1/alarms/{smoke.id}/real-fire", json={})
        assert (twice.status_code, twice.json()["code"]) == (409, "alarm_is_no_test")
        over = await client.post(f"{other}/real-fire", json={})
        assert (over.status_code, over.json()["code"]) == (409, "test_window_over")
        history = (await client.get(f"/api/v1/alarms/{smoke.id}/history")).json()
        assert (history[-1]["kind"], history[-1]["note"]) == ("real_fire", "有明火")
    assert [raised.is_test for raised in outbox.of(AlarmRaised)] == [True, True, False, False]


class Asked(NotifyService):
    """Keeps what people would be told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def tell(self, session: AsyncSession, notice: Notice) -> None:
        self.notices.append(notice)


async def tell_over(database: Database, tests: TestWindowService, asked: Asked, address: str, place: Place) -> None:
    event = events.TestWindowChanged(
        site_id=place.site_id, test_window_id=UUID(address.rpartition("/")[2]), state="over"
    )
    assert is_over(event)
    async with database.transaction() as session:
        await TestOverTelling(asked, tests).on_test_over(session, event)


async def persons_of(client: httpx.AsyncClient, address: str) -> list[str]:
    window = (await client.get(address)).json()
    return [window["asked_by"], window["begun_by"]]


async def test_a_test_that_ran_out_is_signed_off_with_what_was_tried_and_what_was_silent(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, tests: TestWindowService
) -> None:
    second = await login(database, place, logins, Role.MANAGER, "王经理")
    async with client_of(app, token=await login(database, place, logins, Role.ENGINEER, "张工")) as client:
        address = await begun(client, second, place, "SMOKE-001", "SMOKE-002", "SMOKE-003")
        silent, untried = (str(place.equipment_id(code)) for code in ("SMOKE-002", "SMOKE-003"))
        await apply(
            database, place, place.smoke(onset_s=5), place.smoke(onset_s=5, at_s=9, active=False),
            place.detection("SMOKE-002", source=AlarmSource.LINK, source_id="link", fault_mode="offline", onset_s=6),
        )  # fmt: skip
        early = await client.post(f"{address}/sign-off", json={})
        assert (early.status_code, early.json()["code"]) == (409, "test_window_not_over")
        heard = (await client.get(f"{address}/devices")).json()
        assert [one["heard_at"] for one in heard] == ["2026-11-22T04:00:05Z", None, None], "its link is not its word"
        place.clock.advance(seconds=7_200)
        assert (await client.get("/api/v1/test-windows", params={"unsigned": "true"})).json()["total"] == 1
        asked = Asked()
        await tell_over(database, tests, asked, address, place)
        assert [(one.person_id, one.template, one.facts["silent"]) for one in asked.notices] == [
            (UUID(each), "staff.test_over", "2") for each in await persons_of(client, address)
        ]
        for body, status, code in (
            ({"untried": [untried]}, 422, "sign_off_needs_note"),
            ({"untried": [str(place.equipment_id("SMOKE-001"))], "note": "x"}, 409, "heard_was_tried"),
            ({"untried": [str(place.equipment_id("SMOKE-009"))], "note": "x"}, 422, "not_on_the_list"),
        ):
            refused = await client.post(f"{address}/sign-off", json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
        # Whoever signs need not wait for the sweep; which changes nothing then.
        body = {"untried": [untried], "note": "2 号无信号已报修，3 号下周补测"}
        signed = (await client.post(f"{address}/sign-off", json=body)).json()
        assert (signed["unheard"], signed["untried"], signed["ended_at"]) == ([silent], [untried], signed["until"])
        async with database.transaction() as session:
            await tests.expire(session)
        twice = await client.post(f"{address}/sign-off", json=body)
        assert (twice.status_code, twice.json()["code"]) == (409, "test_window_signed")
        await tell_over(database, tests, asked, address, place)
        assert len(asked.notices) == 2, "nobody is asked for what is signed"
        assert [one["was_tried"] for one in (await client.get(f"{address}/devices")).json()] == [True, True, False]
        assert (await client.get("/api/v1/test-windows", params={"unsigned": "true"})).json()["total"] == 0
    smoke = (await all_alarms(database))[0]
    assert (smoke.state, smoke.label, smoke.acknowledged_by) == ("NORMAL", "test", UUID(signed["signed_by"]))


async def test_the_button_for_a_real_fire_waits_for_nobody(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, tests: TestWindowService
) -> None:
    """Somebody is slow with another alarm of the test; two press at once, on an alarm and on the window."""
    second = await login(database, place, logins, Role.MANAGER, "王经理")
    async with client_of(app, token=await login(database, place, logins, Role.ENGINEER, "张工")) as client:
        first, other = [await begun(client, second, place, one, "SMOKE-003") for one in ("SMOKE-001", "SMOKE-002")]
        await apply(database, place, place.smoke(onset_s=5), place.smoke("SMOKE-002", onset_s=6))
        mine, slow = await all_alarms(database)
        async with database.transaction() as holding:
            await holding.refresh(slow := await holding.merge(slow), with_for_update=True)
            async with asyncio.timeout(20):
                answers = await asyncio.gather(
                    client.post(f"/api/v1/alarms/{mine.id}/real-fire", json={}),
                    client.post(f"{first}/real-fire", json={}),
                    client.post(f"{other}/real-fire", json={}),
                    client.get(first),
                )
        # Whoever comes second hears that it is real already.
        told = sorted(answer.status_code for answer in answers)
        assert (told[:2], set(told) - {200, 409}) == ([200, 200], set()), [answer.text for answer in answers]
        pressed = [answer.json() for answer in answers[1:3] if answer.status_code == 200]
        assert {window["state"] for window in pressed} <= {"over"}, pressed
        assert [(await client.get(one)).json()["state"] for one in (first, other)] == ["over", "over"]
        assert [one.is_test for one in await all_alarms(database)] == [False, True]
        async with database.transaction() as session:
            await tests.expire(session)
    assert [one.is_test for one in await all_alarms(database)] == [False, False], "the sweep found it"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"minutes": 241}, 422),
        ({"minutes": 0}, 422),
        ({"equipment_ids": []}, 422),
        ({"reason": " "}, 422),
        ({"equipment_ids": ["0197a1d2-6c00-7000-8000-00000000000c"]}, 404),
        ({"site_id": "0197a1d2-6c00-7000-8000-00000000000c"}, 404),
    ],
)
async def test_a_test_names_its_devices_and_is_four_hours_at_most(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, change: dict[str, Any], status: int
) -> None:
    token = logins.add(Role.ENGINEER, site_id=place.site_id)
    body = {"site_id": str(place.site_id), "equipment_ids": [str(place.equipment_id("SMOKE-001"))], "minutes": 240}
    async with client_of(app, token=token) as client:
        answer = await client.post("/api/v1/test-windows", json={**body, "reason": "检测", **change})
    assert answer.status_code == status, answer.text


BEGAN, UNTIL = NOON, NOON + 2 * HOUR


@pytest.mark.parametrize(
    ("onset_at", "now", "is_test"),
    [
        (BEGAN - timedelta(milliseconds=1), NOON + HOUR, False),
        (BEGAN, NOON + HOUR, True),
        (UNTIL - timedelta(milliseconds=1), UNTIL - timedelta(milliseconds=1), True),
        (NOON + HOUR, UNTIL, False),
        (UNTIL, NOON + HOUR, False),
    ],
)
def test_what_is_in_doubt_is_no_test(onset_at: datetime, now: datetime, is_test: bool) -> None:
    row = Inhibition(kind=InhibitionKind.TESTING, created_at=BEGAN, until=UNTIL)
    assert is_under_test([row], onset_at=onset_at, now=now) == is_test
    assert not is_under_test([Inhibition(kind=InhibitionKind.INHIBITED)], onset_at=onset_at, now=now)


@pytest.mark.parametrize(
    ("facts", "after", "state"),
    [
        ({}, timedelta(minutes=59), TestWindowState.ASKED),
        ({}, HOUR, TestWindowState.LAPSED),
        ({"ended_at": NOON}, timedelta(), TestWindowState.LAPSED),
        ({"began_at": NOON, "until": NOON + HOUR}, timedelta(minutes=59), TestWindowState.RUNNING),
        ({"began_at": NOON, "until": NOON + HOUR}, HOUR, TestWindowState.OVER),
        ({"began_at": NOON, "until": NOON + HOUR, "ended_at": NOON}, timedelta(), TestWindowState.OVER),
    ],
)
def test_the_states_of_a_window(facts: dict[str, Any], after: timedelta, state: TestWindowState) -> None:
    window = TestWindow(id=UUID(int=1), asked_at=NOON, **facts)
    assert state_of(window, NOON + after) is state
