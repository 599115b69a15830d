"""First things on an installation of one's own: a declared site and an administrator."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from audit.recording import record
from building.declaration import parse_site
from catalog.loader import apply_declaration
from catalog.profiles import load_profiles
from catalog.service import CatalogService
from hub.infrastructure import with_database
from hub.migrate import upgrade
from hub.settings import HubSettings
from kit.access import Grant, Role, Scope
from kit.clock import SystemClock
from kit.db import Database
from kit.events import JobOutbox
from kit.jobs import new_app
from people.editing import PeopleEditor
from people.kinds import PersonKind
from people.passwords import Passwords


class NothingDeclared(RuntimeError):
    """An administrator belongs to a company that has at least one site."""

    def __init__(self) -> None:
        super().__init__("there is no site yet: declare one first with `hub load-site FILE`")


async def load_declared_site(settings: HubSettings, file: Path) -> str:
    """Creates or updates what the file declares; words to show. Raises BadDeclaration."""
    declaration = parse_site(tomllib.loads(file.read_text("utf-8")))
    async with _database(settings) as database, database.transaction() as session:
        await apply_declaration(session, declaration, load_profiles(settings.profiles_dir))
        record(session, at=SystemClock().now(), action="hub.load_site", kind="site", about=declaration.code)
    return f"{declaration.name}: {len(declaration.buildings)} buildings, {len(declaration.equipment)} equipment"


async def make_admin(settings: HubSettings, username: str) -> str:
    """An administrator of every site; the generated password. Raises NothingDeclared, UsernameTaken."""
    catalog = CatalogService(load_profiles(settings.profiles_dir))
    editor = PeopleEditor(catalog, Passwords(), SystemClock())
    everywhere = Scope.everywhere()
    async with _database(settings) as database, database.transaction() as session:
        sites = await catalog.sites(session, everywhere)
        if not sites:
            raise NothingDeclared
        person_id = await editor.create(session, everywhere, site_id=sites[0].id, kind=PersonKind.STAFF, name=username)
        await editor.set_grants(session, everywhere, person_id, [Grant(Role.ADMIN, None)])
        record(session, at=SystemClock().now(), action="hub.create_admin", kind="person", about=person_id)
        return await editor.set_account(session, everywhere, person_id, username=username, password=None)


@asynccontextmanager
async def _database(settings: HubSettings) -> AsyncIterator[Database]:
    """A migrated database whose events a running hub hears of; its handlers have no part in installing."""
    async with with_database(settings) as url:
        await asyncio.to_thread(upgrade, url)
        async with Database(url) as database:
            database.use_outbox(JobOutbox(new_app(url), []))
            yield database
