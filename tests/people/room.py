"""The people room with real services, for its tests."""

from dataclasses import dataclass

from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

import catalog.endpoints
import people.contractors.endpoints
import people.endpoints
from catalog.imports import ImportDesk
from catalog.service import CatalogService
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from people.contractors.service import ContractorService
from people.contractors.sheet import ContractSheet
from people.editing import PeopleEditor
from people.login import Logins
from people.owner_sheet import OwnerSheet
from people.passwords import Passwords
from people.roster_sheet import RosterSheet
from people.rostering import Rostering
from people.service import PeopleService
from people.settings import LoginSettings
from people.staff_sheet import StaffSheet
from people.throttle import LoginThrottle, ThrottlePolicy
from tests.api import FakeLogins, make_app


@dataclass
class PeopleRoom:
    """`app`: callers by fake tokens. `login_app`: the same routes, callers by real logins."""

    database: Database
    app: FastAPI
    login_app: FastAPI
    logins: FakeLogins
    real_logins: Logins
    catalog: CatalogService
    people: PeopleService
    editor: PeopleEditor
    rostering: Rostering
    throttle: LoginThrottle
    registry: CollectorRegistry


def people_room(database: Database, clock: Clock) -> PeopleRoom:
    registry, fake = CollectorRegistry(), FakeLogins()
    rooms = CatalogService({})
    # The real hasher at a cost that tests can bear.
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    throttle = LoginThrottle(database, clock, ThrottlePolicy.of(LoginSettings()))
    logins = Logins(
        secret="s" * 32,
        passwords=passwords,
        throttle=throttle,
        clock=clock,
        settings=LoginSettings(),
        registry=registry,
    )
    service, editor = PeopleService(rooms, clock), PeopleEditor(rooms, passwords, clock)
    rostering, texts = Rostering(rooms, clock), Texts.load(["kit", "catalog", "people", "people.contractors"])
    desk = ImportDesk(
        [OwnerSheet(rooms, texts), StaffSheet(rooms, texts), RosterSheet(rostering, texts), ContractSheet(rooms)], texts
    )

    def application(authenticator: FakeLogins | Logins) -> FastAPI:
        return make_app(
            database,
            routers=[people.endpoints.router, people.contractors.endpoints.router, catalog.endpoints.router],
            rooms=["catalog", "people", "people.contractors"],
            services=[rooms, service, editor, rostering, logins, desk, ContractorService(rooms)],
            status=people.endpoints.STATUS | people.contractors.endpoints.STATUS | catalog.endpoints.STATUS,
            logins=authenticator,
        )

    return PeopleRoom(
        database,
        application(fake),
        application(logins),
        fake,
        logins,
        rooms,
        service,
        editor,
        rostering,
        throttle,
        registry,
    )
