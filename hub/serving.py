"""The API role: every service handed to the endpoints, and uvicorn run as one task of many."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from audit.endpoints import Names, Withheld
from catalog.equipment_sheet import EquipmentSheet
from catalog.house_sheet import HouseSheet
from catalog.imports import ImportDesk, SheetKind
from catalog.qr import QrLabels
from hub import health
from hub.api import create_app
from hub.drop_tally import DropTallies
from hub.health import Readiness
from hub.history import Histories
from hub.live import LiveUpdates
from hub.rooms import Common, Rooms
from hub.settings import HubSettings
from hub.web import mount_front_end
from hub.withheld import ComplaintsWithheld
from kit.access import Authenticator
from kit.clock import Clock
from kit.deeds import Journal
from kit.http import History, HttpMeters, provide
from kit.supervision.ports import require_free
from people.contractors.sheet import ContractSheet
from people.owner_sheet import OwnerSheet
from people.roster_sheet import RosterSheet
from people.staff_sheet import StaffSheet
from stock.part_sheet import PartSheet

CLOSE_S = 2


class TaskServer(uvicorn.Server):
    """uvicorn that leaves signals to the process it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_api(app: FastAPI, settings: HubSettings) -> None:
    """Serves until cancelled. Raises PortTaken."""
    require_free(settings.http_bind, settings.http_port, setting="HUB_HTTP_PORT")
    await _serve(app, host=settings.http_bind, port=settings.http_port)


async def serve_health(readiness: Readiness, common: Common) -> None:
    """`/healthz`, `/readyz` and `/metrics` of a process that serves no API, until cancelled. Raises PortTaken."""
    settings = common.settings
    require_free(settings.health_bind, settings.health_port, setting="HUB_HEALTH_PORT")
    app = FastAPI(openapi_url=None)
    app.include_router(health.router)
    provide(app, readiness)
    provide(app, common.registry, as_type=CollectorRegistry)
    await _serve(app, host=settings.health_bind, port=settings.health_port)


async def _serve(app: FastAPI, *, host: str, port: int) -> None:
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=CLOSE_S, server_header=False,
    )  # fmt: skip
    server = TaskServer(config)
    # A task of its own, told rather than cancelled to end: uvicorn closes its sockets only on that way out.
    serving = asyncio.create_task(server.serve(), name="uvicorn")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


def build_api(
    common: Common, rooms: Rooms, *, live: LiveUpdates, readiness: Readiness, tallies: DropTallies
) -> FastAPI:
    """The application with every service that endpoints ask for."""
    app = create_app(common.texts)
    services: list[object] = [
        common.database, common.texts, common.settings.bodies, rooms.answers, live, readiness, tallies,
        HttpMeters(common.registry),
        rooms.catalog.service, rooms.catalog.editor, rooms.catalog.discovery, rooms.catalog.dead_letters,
        QrLabels(common.settings.base_url), _import_desk(common, rooms),
        rooms.people.service, rooms.people.editor, rooms.people.rostering, rooms.people.contractors,
        rooms.people.logins,
        rooms.credentials, rooms.telemetry, rooms.stock, rooms.rules,
        rooms.alarms.service, rooms.alarms.tests, rooms.alarms.attending, rooms.alarms.windows, rooms.alarms.floods,
        rooms.alarms.lockouts,
        rooms.notify.service,
        rooms.notify.board, *rooms.alerting.provided,
        *rooms.ticketing.services,
        rooms.knowledge.service, rooms.knowledge.editor, *rooms.owners.provided, *rooms.automation.provided,
        *rooms.linkage.provided,
        *rooms.insight.provided, *rooms.rule_measures.provided, *rooms.rule_versions.provided, rooms.privacy.service,
    ]  # fmt: skip
    for service in services:
        provide(app, service)
    provide(app, common.registry, as_type=CollectorRegistry)
    provide(app, common.clock, as_type=Clock)
    provide(app, rooms.people.logins, as_type=Authenticator)
    provide(app, rooms.audit.journal, as_type=Journal)
    provide(app, rooms.people.service, as_type=Names)
    provide(app, ComplaintsWithheld(), as_type=Withheld)
    provide(app, Histories(rooms.people.service), as_type=History)
    mount_front_end(app, common.settings.web_dist)
    return app


def _import_desk(common: Common, rooms: Rooms) -> ImportDesk:
    catalog, texts = rooms.catalog.service, common.texts
    kinds: list[SheetKind] = [
        HouseSheet(), EquipmentSheet(common.profiles, texts), OwnerSheet(catalog, texts), StaffSheet(catalog, texts),
        PartSheet(rooms.stock, texts),
        RosterSheet(rooms.people.rostering, texts), ContractSheet(catalog),
    ]  # fmt: skip
    return ImportDesk(kinds, texts)
