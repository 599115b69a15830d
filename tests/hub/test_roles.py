"""The hub as a whole process: all roles up, stopped in order, never half dead."""

import asyncio
from pathlib import Path

import httpx
import pytest

from hub.bootstrap import Role
from hub.infrastructure import infrastructure
from hub.roles import run_on
from hub.settings import HubSettings
from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    return HubSettings(
        var=tmp_path, http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(), postgres_port=free_port()
    )


async def ready(settings: HubSettings) -> None:
    async with asyncio.timeout(LIVENESS_S), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{settings.base_url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


class Broken(Exception):
    """What a role may die of."""


async def test_a_role_that_fails_ends_the_hub_instead_of_leaving_it_half_dead(settings: HubSettings) -> None:
    async def breaks() -> None:
        await ready(settings)
        raise Broken

    async with infrastructure(settings) as infra:
        with pytest.raises(ExceptionGroup) as raised:
            await asyncio.wait_for(run_on(settings, infra, roles=list(Role), beside=breaks), 2 * LIVENESS_S)
    assert raised.group_contains(Broken)


async def test_a_hub_that_is_told_to_stop_ends_every_role(settings: HubSettings) -> None:
    async with infrastructure(settings) as infra:
        running = asyncio.create_task(run_on(settings, infra, roles=list(Role)))
        await ready(settings)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=LIVENESS_S)
    assert done
