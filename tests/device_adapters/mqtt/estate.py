"""A small site in PostgreSQL with the devices that MQTT tests talk about."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import FastAPI

from building.declaration import parse_site
from catalog.loader import apply_declaration, load_directory
from catalog.service import CatalogService
from device_adapters.mqtt import endpoints
from device_adapters.mqtt.credentials import CredentialService
from kit.clock import SystemClock
from kit.db import Database
from tests.api import FakeLogins, make_app
from tests.device_adapters.directories import PROFILES


@dataclass
class Estate:
    """`ids`: equipment by code."""

    database: Database
    site_id: UUID
    ids: dict[str, UUID]
    service: CredentialService
    logins: FakeLogins
    app: FastAPI


async def estate(database: Database, code: str = "yunqi", **changes: Any) -> Estate:
    """A site with a lift, a smoke detector, a pump, and a sensor behind a ThingsBoard gateway."""
    devices = [
        _device("LIFT-06", "elevator", "gb24476-elevator", "mqtt"),
        _device("LIFT-07", "elevator", "gb24476-elevator", "mqtt"),
        _device("SMOKE-001", "smoke_detector", "nbiot-smoke", "mqtt"),
        _device("PUMP-01", "pump", "grundfos-cim-pump", "modbus"),
        _device("A", "sensor", "thingsboard-gateway-sensor", "mqtt"),
        _device("SPACED", "elevator", "gb24476-elevator", "mqtt", external_id="LIFT *"),
    ]
    site = {"code": code, "name": "小区", "timezone": "Asia/Shanghai"}
    declaration = {"site": site, "buildings": [{"code": "B01", "name": "1栋"}], "equipment": devices} | changes
    async with database.transaction() as session:
        await apply_declaration(session, parse_site(declaration), PROFILES)
        entries = [entry for entry in (await load_directory(session)).entries if entry.site_code == code]
    service, logins = CredentialService(PROFILES, CatalogService(PROFILES), SystemClock()), FakeLogins()
    app = make_app(
        database, routers=[endpoints.router], rooms=["catalog", "device_adapters"], services=[service],
        status=_status(), logins=logins,
    )  # fmt: skip
    return Estate(
        database, entries[0].site_id, {entry.code: entry.equipment_id for entry in entries}, service, logins, app
    )


def _device(code: str, kind: str, profile: str, protocol: str, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "name": code, "kind": kind, "profile": profile, "protocol": protocol, "building": "B01", **more,
    }  # fmt: skip


def _status() -> dict[type[Any], int]:
    from catalog import endpoints as catalog_endpoints

    return catalog_endpoints.STATUS | endpoints.STATUS
