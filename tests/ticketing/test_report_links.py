"""Links in messages: what they open without a log-in, and what they do not."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import jwt
import pytest

from kit.ids import new_id
from tests.api import client_of, make_app
from tests.ticketing.town import Town
from ticketing.endpoints import STATUS, router
from ticketing.errors import ReportLinkRefused
from ticketing.flow import Action
from ticketing.report_links import LIFETIME, ReportLinks

ANOTHER_SECRET = "another secret of 32 bytes or more"


@pytest.fixture
async def visitor(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who opened a link and never logged in."""
    app = make_app(
        town.database, routers=[router], rooms=["ticketing"], services=[town.room.service, town.room.links],
        status=STATUS,
    )  # fmt: skip
    async with client_of(app) as client:
        yield client


async def linked(town: Town, who: str) -> str:
    """The token of the last link that this person was sent."""
    notice = (await town.notices(who))[-1]
    assert notice.link is not None
    return notice.link.removeprefix("/o/reports/")


async def opened(visitor: httpx.AsyncClient, token: str, language: str = "zh-CN") -> httpx.Response:
    return await visitor.get(f"/api/v1/reports/by-link/{token}", headers={"accept-language": language})


async def test_a_link_shows_its_reporter_the_plain_state_and_nothing_of_others(
    town: Town, visitor: httpx.AsyncClient
) -> None:
    await town.resident("wang", "3-2-502")
    await town.resident("liu", "3-2-602")
    lift = town.equipment["LIFT-02"]
    mine = await town.report(reporter_id=town.person["wang"], equipment_id=lift, text="我家老人出不去")
    await town.report(reporter_id=town.person["liu"], equipment_id=lift, text="秘密", contact_phone="13933334444")
    await town.act(mine.report.work_order_id, "contractor", Action.ACCEPT)

    answer = await opened(visitor, await linked(town, "wang"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {
        "report_id", "number", "category", "place", "state", "engineer", "promised_at", "known", "created_at",
    }  # fmt: skip
    assert answer.json()["report_id"] == str(mine.report.report_id)
    assert (answer.json()["state"], answer.json()["engineer"]) == ("assigned", "赵工")
    for secret in ("秘密", "我家老人出不去", "13933334444", "1380000", str(town.person["liu"])):
        assert secret not in answer.text


async def test_two_neighbours_links_open_each_their_own_report(town: Town, visitor: httpx.AsyncClient) -> None:
    seen = {}
    for who, room in (("wang", "3-2-502"), ("liu", "3-2-602")):
        await town.resident(who, room)
        report = await town.report(reporter_id=town.person[who], equipment_id=town.equipment["LIFT-02"])
        seen[str(report.report.report_id)] = (await opened(visitor, await linked(town, who))).json()["report_id"]
    assert len(seen) == 2
    assert all(mine == shown for mine, shown in seen.items())


async def test_a_link_opens_nothing_after_its_time(town: Town, visitor: httpx.AsyncClient) -> None:
    await town.resident("wang", "3-2-502")
    await town.report(reporter_id=town.person["wang"], equipment_id=town.equipment["LIFT-02"])
    token = await linked(town, "wang")
    town.clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert (await opened(visitor, token)).status_code == 200
    town.clock.advance(seconds=1)
    refused = await opened(visitor, token)
    assert (refused.status_code, refused.json()["code"]) == (404, "report_link_refused")
    assert "链接已失效" in refused.json()["message"]
    assert "link has expired" in (await opened(visitor, token, "en")).json()["message"]


async def test_forged_links_open_nothing(town: Town, visitor: httpx.AsyncClient) -> None:
    await town.resident("wang", "3-2-502")
    mine = await town.report(reporter_id=town.person["wang"], equipment_id=town.equipment["LIFT-02"])
    other = ReportLinks(secret=ANOTHER_SECRET, clock=town.clock).path(mine.report.report_id).rpartition("/")[2]
    head, _, signature = (await linked(town, "wang")).split(".")
    payload = other.split(".")[1]
    unsigned = jwt.encode({"sub": str(mine.report.report_id), "use": "report", "exp": 9e9}, "", algorithm="none")
    for token in (other, f"{head}.{payload}x.{signature}", unsigned, str(mine.report.report_id), "bad-token", "%00"):
        refused = await opened(visitor, token)
        assert (refused.status_code, refused.json()["code"]) == (404, "report_link_refused"), token


async def test_a_link_to_no_report_is_not_found(town: Town, visitor: httpx.AsyncClient) -> None:
    token = town.room.links.path(new_id()).rpartition("/")[2]
    assert (await opened(visitor, token)).json()["code"] == "report_not_found"


@pytest.mark.parametrize(
    "wrong", [{"use": "access"}, {"use": None}, {"sub": "no id"}, {"sub": 7}, {"exp": "soon"}, {"exp": 1e300}]
)
async def test_what_was_signed_for_something_else_is_refused(town: Town, wrong: dict[str, object]) -> None:
    links = ReportLinks(secret=ANOTHER_SECRET, clock=town.clock)
    right = {"sub": str(new_id()), "use": "report", "exp": town.clock.now() + timedelta(days=1)}
    assert links.report_of(jwt.encode(right, ANOTHER_SECRET))
    with pytest.raises(ReportLinkRefused):
        links.report_of(jwt.encode(right | wrong, ANOTHER_SECRET))
