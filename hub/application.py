"""The application of the API role: every service handed to the endpoints.

Only a process that serves the API imports this: all routes and their models take 30 MB and half a second of CPU.
"""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from audit.endpoints import Names, Withheld
from catalog.equipment_sheet import EquipmentSheet
from catalog.house_sheet import HouseSheet
from catalog.imports import ImportDesk, SheetKind
from catalog.qr import QrLabels
from hub.api import create_app
from hub.drop_tally import DropTallies
from hub.health import Readiness
from hub.history import Histories
from hub.live import LiveUpdates
from hub.rooms import Common, Rooms
from hub.web import mount_front_end
from hub.withheld import ComplaintsWithheld
from kit.access import Authenticator
from kit.clock import Clock
from kit.deeds import Journal
from kit.http import History, HttpMeters, provide
from people.contractors.sheet import ContractSheet
from people.owner_sheet import OwnerSheet
from people.roster_sheet import RosterSheet
from people.staff_sheet import StaffSheet
from stock.part_sheet import PartSheet


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
        *rooms.linkage.provided, *rooms.predictive.provided,
        *rooms.insight.provided, *rooms.rule_measures.provided, *rooms.model_measures.provided,
        *rooms.rule_versions.provided, rooms.privacy.service,
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
