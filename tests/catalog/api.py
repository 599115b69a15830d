"""The catalog's endpoints with real services, for its tests."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from building.profile import DeviceProfile
from catalog import endpoints
from catalog.dead_letters import DeadLetters
from catalog.discovery import Discovery
from catalog.editing import CatalogEditor
from catalog.equipment_sheet import EquipmentSheet
from catalog.house_sheet import HouseSheet
from catalog.imports import ImportDesk
from catalog.qr import QrLabels
from catalog.service import CatalogService
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from tests.api import FakeLogins, make_app


@dataclass
class CatalogRoom:
    """The room as bootstrap would build it, and its application."""

    database: Database
    logins: FakeLogins
    app: FastAPI
    catalog: CatalogService
    editor: CatalogEditor
    discovery: Discovery
    letters: DeadLetters
    registry: CollectorRegistry


def catalog_room(database: Database, profiles: dict[str, DeviceProfile], clock: Clock) -> CatalogRoom:
    registry, logins = CollectorRegistry(), FakeLogins()
    catalog, editor = CatalogService(profiles), CatalogEditor(profiles, clock)
    discovery, letters = Discovery(profiles, clock, registry), DeadLetters(registry, kept_per_reason=5)
    texts = Texts.load(["kit", "catalog"])
    desk = ImportDesk([HouseSheet(), EquipmentSheet(profiles, texts)], texts)
    app = make_app(
        database,
        routers=[endpoints.router],
        rooms=["catalog"],
        services=[catalog, editor, discovery, letters, desk, QrLabels("https://hub.example")],
        status=endpoints.STATUS,
        logins=logins,
    )
    return CatalogRoom(database, logins, app, catalog, editor, discovery, letters, registry)


async def open_site(room: CatalogRoom, code: str, *, name: str = "小区") -> UUID:
    async with room.database.transaction() as session:
        return await room.editor.create_site(session, code=code, name=name, city="杭州", timezone="Asia/Shanghai")
