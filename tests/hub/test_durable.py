"""HUB_DURABLE reaches the server that it is about."""

import json
from pathlib import Path

import pytest

from hub.infrastructure import infrastructure
from hub.settings import Durability, HubSettings
from kit.supervision.ports import free_port


@pytest.mark.parametrize(("durable", "sync_interval"), [(Durability.PROCESS, "1s"), (Durability.POWER, "always")])
async def test_power_makes_the_bus_wait_for_the_disk(tmp_path: Path, durable: Durability, sync_interval: str) -> None:
    settings = HubSettings(
        var=tmp_path, durable=durable, http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(),
        postgres_port=free_port(),
    )  # fmt: skip
    async with infrastructure(settings):
        written = json.loads((tmp_path / "nats" / "nats-server.conf").read_text("utf-8"))
    assert written["jetstream"]["sync_interval"] == sync_interval
