"""Fills an empty hub with the demo site: equipment, people, MQTT accounts."""

import dataclasses
import tomllib
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.declaration import SiteDeclaration, parse_site
from catalog.loader import apply_declaration
from hub.bootstrap import Hub
from hub.demo.environment import DemoFiles, DemoPorts
from hub.rooms import CatalogRoom
from kit.access import Scope
from knowledge.demo import KnowledgeSeed
from people.demo import DemoAccount, DemoPeople

FOLDER = Path(__file__).parent
SITE_FILE = FOLDER / "site.toml"
PEOPLE_FILE = FOLDER / "people.toml"
KNOWLEDGE_FILE = FOLDER / "knowledge.toml"
IN_BAND_MIN = 0.1


async def load_demo(hub: Hub, ports: DemoPorts, files: DemoFiles) -> list[DemoAccount]:
    """Idempotent. The accounts to print; MQTT accounts are renewed and written down for the fleet."""
    rooms, secrets = hub.rooms, hub.common.secrets
    declaration = demo_declaration(ports)
    people = DemoPeople(
        catalog=rooms.catalog.service, people=rooms.people.service, editor=rooms.people.editor,
        rostering=rooms.people.rostering, contractors=rooms.people.contractors,
        password_of=lambda username: secrets.get(f"demo_account_{username}")[:12],
    )  # fmt: skip
    async with hub.common.database.transaction() as session:
        await apply_declaration(session, declaration, hub.common.profiles)
        accounts = await people.load(session, tomllib.loads(PEOPLE_FILE.read_text("utf-8")), declaration.code)
        await rooms.people.rostering.extend(session)
        await KnowledgeSeed(rooms.knowledge.editor).load(session, tomllib.loads(KNOWLEDGE_FILE.read_text("utf-8")))
    async with hub.common.database.transaction() as session:
        sites = await rooms.catalog.service.sites(session, Scope.everywhere())
        site_id: UUID = next(site.id for site in sites if site.code == declaration.code)
        await _hurry_proof(session, rooms.catalog, site_id)
        files.keep(files.mqtt, await rooms.credentials.issue_fleet(session, site_id))
    files.keep(files.accounts, {account.username: account.password for account in accounts})
    return accounts


async def _hurry_proof(session: AsyncSession, catalog: CatalogRoom, site_id: UUID) -> None:
    """Nobody watches a demo for five minutes to see work proved; who has set a time of their own keeps it."""
    if "proof" not in await catalog.service.site_settings(session, site_id):
        change = {"proof": {"in_band_min": IN_BAND_MIN}}
        await catalog.editor.change_settings(session, Scope.of(site_id), site_id, change, replace=False)


def demo_declaration(ports: DemoPorts) -> SiteDeclaration:
    """The declared site, its Modbus gateways moved to where this demo's simulator listens."""
    declaration = parse_site(tomllib.loads(SITE_FILE.read_text("utf-8")))
    moved = ports.modbus_port - DemoPorts.model_fields["modbus_port"].default
    equipment = tuple(
        dataclasses.replace(item, address={**item.address, "port": item.address["port"] + moved})
        if "port" in item.address
        else item
        for item in declaration.equipment
    )
    return dataclasses.replace(declaration, equipment=equipment)
