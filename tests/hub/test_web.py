"""What surrounds every request, and what open screens hear."""

import json
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from hub.api import create_app
from hub.live import LiveUpdates
from hub.texts import load_texts
from hub.web import mount_front_end
from kit.access import Scope
from kit.announcements import Announcement
from kit.ids import new_id


@pytest.fixture
def app() -> FastAPI:
    app = create_app(load_texts())

    @app.get("/api/v1/boom", include_in_schema=False)
    async def boom() -> None:
        raise ZeroDivisionError

    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://hub")


async def test_an_unexpected_failure_names_the_requests_id(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/api/v1/boom", headers={"X-Request-Id": "call4711"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == "call4711"
    assert "call4711" in answer.json()["message"]


async def test_every_answer_has_an_id_and_safe_headers(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/healthz", headers={"X-Request-Id": "no good id\t"})
    assert len(answer.headers["x-request-id"]) == 12
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_the_front_ends_own_addresses_open_it_and_the_apis_do_not(app: FastAPI, tmp_path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>desk</title>")
    (tmp_path.parent / "secret.txt").write_text("secret")
    mount_front_end(app, tmp_path)
    async with client_of(app) as client:
        assert "desk" in (await client.get("/orders/42")).text
        assert (await client.get("/api/v1/nothing")).status_code == 404
        assert "secret" not in (await client.get("/..%2fsecret.txt")).text


@pytest.mark.parametrize(("site", "heard"), [("own", True), ("other", False), ("every", True), (None, True)])
def test_a_screen_hears_of_its_own_sites_and_of_what_concerns_all(site: str | None, heard: bool) -> None:
    own = new_id()
    ids = {"own": own, "other": new_id(), "every": UUID(int=0)}
    live = LiveUpdates(CollectorRegistry())
    with live.screen(Scope.of(own)) as screen:
        live.hear(Announcement("RuleChanged", {} if site is None else {"site_id": str(ids[site])}))
        assert (not screen.waiting.empty()) is heard


def test_a_screen_too_slow_to_follow_is_told_to_reload() -> None:
    live = LiveUpdates(CollectorRegistry())
    with live.screen(Scope.everywhere()) as screen:
        for _ in range(1001):
            live.hear(Announcement("AlarmRaised", {}))
        told = [json.loads(screen.waiting.get_nowait())["event"] for _ in range(screen.waiting.qsize())]
    assert told == ["Reload"]
