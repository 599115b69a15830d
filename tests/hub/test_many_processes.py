"""Several processes of one hub: sessions and live updates are one, a second DuckDB store is refused, all have doors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from building.declaration import parse_site
from catalog.loader import apply_declaration
from hub import single_store
from hub.bootstrap import Hub, Role
from hub.infrastructure import Infrastructure, infrastructure
from hub.installing import make_admin
from hub.roles import run_on
from hub.settings import HubSettings
from hub.single_store import SecondStore
from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S
from tests.small_site import declaration


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(
        var=tmp_path, http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(), postgres_port=free_port()
    )


@pytest.fixture
async def infra(settings: HubSettings) -> AsyncIterator[Infrastructure]:
    async with infrastructure(settings) as infra:
        yield infra


@asynccontextmanager
async def running(settings: HubSettings, infra: Infrastructure, *roles: Role, port: int) -> AsyncIterator[str]:
    """The address of a process's API or health door, once it is ready."""

    async def prepare(hub: Hub) -> None:
        async with hub.common.database.transaction() as session:
            await apply_declaration(session, parse_site(declaration()), hub.common.profiles)

    task = asyncio.create_task(run_on(settings, infra, roles=roles, prepare=prepare))
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(LIVENESS_S), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/readyz")).is_success:
                        break
                await asyncio.sleep(0.1)
        yield url
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=LIVENESS_S)


async def test_two_api_processes_take_each_others_sessions_and_hear_each_others_changes(
    settings: HubSettings, infra: Infrastructure
) -> None:
    second = settings.model_copy(update={"http_port": free_port()})
    async with (
        running(settings, infra, Role.API, port=settings.http_port) as one,
        running(second, infra, Role.API, port=second.http_port) as two,
        httpx.AsyncClient(timeout=LIVENESS_S) as client,
    ):
        password = await make_admin(settings, "chen")
        login = await client.post(f"{one}/api/v1/auth/login", json={"username": "chen", "password": password})
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        sites = await client.get(f"{two}/api/v1/sites")
        assert sites.is_success
        token = (await client.post(f"{two}/api/v1/auth/stream-token")).json()["stream_token"]
        async with client.stream("GET", f"{two}/api/v1/live", params={"token": token}) as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            body = {"site_id": sites.json()[0]["id"], "code": "RISER-9", "name": "9栋给水立管", "kind": "riser"}
            (await client.post(f"{one}/api/v1/equipment", json=body)).raise_for_status()
            async with asyncio.timeout(LIVENESS_S):
                while "CatalogChanged" not in await anext(lines):
                    pass


async def test_a_process_without_an_api_has_a_door_for_its_keepers(
    settings: HubSettings, infra: Infrastructure
) -> None:
    judge = settings.model_copy(update={"health_port": free_port()})
    async with running(judge, infra, Role.JUDGE, port=judge.health_port) as url, httpx.AsyncClient() as client:
        async with asyncio.timeout(LIVENESS_S):
            while "hub_partitions_owned 2.0" not in (await client.get(f"{url}/metrics")).text:
                await asyncio.sleep(0.1)
        assert (await client.get(f"{url}/healthz")).json() == {"status": "ok"}
        assert (await client.get(f"{url}/api/v1/sites")).status_code == httpx.codes.NOT_FOUND


async def test_a_second_process_that_would_store_in_duckdb_is_refused(
    settings: HubSettings, infra: Infrastructure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(single_store, "PATIENCE_S", 1.0)
    store = settings.model_copy(update={"health_port": free_port()})
    elsewhere = settings.model_copy(update={"var": tmp_path / "another machine"})
    async with running(store, infra, Role.STORE, port=store.health_port):
        with pytest.raises(SecondStore, match="HUB_TELEMETRY_URL"):
            await asyncio.wait_for(run_on(elsewhere, infra, roles=[Role.STORE]), LIVENESS_S)
