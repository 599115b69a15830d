"""Who may come in to the embedded broker, and what each may say there.

A device may publish its own topics and nothing else. A platform or gateway, which speaks for many, may publish the
topics of one profile's devices at its site. A panel may only follow the site's alarms; a console may answer them too.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from catalog.loader import load_directory
from catalog.service import CatalogService
from catalog.views import EquipmentView
from device_adapters import repository
from device_adapters.errors import (
    CredentialNameTaken,
    CredentialNeedsMqtt,
    CredentialNotFound,
    EquipmentHasNoCredential,
    NameNotForTopics,
    ProfileNotMqtt,
)
from device_adapters.events import MqttCredentialsChanged
from device_adapters.models import MqttCredential
from device_adapters.mqtt.command_dialect import command_of
from device_adapters.mqtt.consoles import answers_topic, results_topic
from device_adapters.mqtt.dialect import Dialect, dialect_of, native_dialect
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.supervision.nats import MqttUser, hash_password

# What the simulated fleet plays with a connection of its own each, beside elevators: their profiles.
PLAYED_STATIONS = frozenset({
    "water-tank", "pump-room-monitor", "ahu-controller", "gb26875-fire-panel", "gas-detector",
    "electrical-fire-monitor",
})  # fmt: skip


class CredentialKind(StrEnum):
    DEVICE = "device"
    PLATFORM = "platform"
    PANEL = "panel"
    CONSOLE = "console"


@dataclass(frozen=True)
class CredentialView:
    """`publish` and `subscribe` are the topic filters the credential opens."""

    id: UUID
    site_id: UUID
    kind: CredentialKind
    name: str
    title: str
    equipment_id: UUID | None
    profile: str | None
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    issued_at: datetime


@dataclass(frozen=True)
class Issued(CredentialView):
    """A credential with its password, which nobody can be told again."""

    password: str


@dataclass(frozen=True)
class _Device:
    profile_key: str
    external_id: str


@dataclass(frozen=True)
class _Book:
    """What topics are made of: the codes of sites, the devices in use."""

    sites: Mapping[UUID, str]
    devices: Mapping[UUID, _Device]


class CredentialService:
    """Issues credentials; `users` is what the broker is to be told."""

    def __init__(self, profiles: Mapping[str, DeviceProfile], catalog: CatalogService, clock: Clock) -> None:
        self._profiles = profiles
        self._catalog = catalog
        self._clock = clock

    async def of_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> CredentialView:
        """Raises EquipmentNotFound, EquipmentHasNoCredential."""
        equipment = await self._catalog.equipment(session, scope, equipment_id)
        row = await repository.credential_of(session, equipment_id)
        if row is None:
            raise EquipmentHasNoCredential(equipment.code)
        return await self._view(session, row)

    async def issue_for_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> Issued:
        """A credential for a device, or a new password for the one it has: the old one is let in no more.

        Raises EquipmentNotFound, CredentialNeedsMqtt, NameNotForTopics, CredentialNameTaken.
        """
        equipment = await self._catalog.equipment(session, scope, equipment_id)
        self._check_device(equipment)
        row = await repository.credential_of(session, equipment_id)
        if row is None:
            site = await self._catalog.site(session, scope, equipment.site_id)
            row = await self._add(
                session, site_id=equipment.site_id, kind=CredentialKind.DEVICE,
                name=f"{_for_topics(site.code)}/{equipment.external_id}", equipment_id=equipment_id,
            )  # fmt: skip
        return await self._issue(session, row)

    async def revoke_for_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> None:
        view = await self.of_equipment(session, scope, equipment_id)
        await self.revoke(session, scope, view.id)

    async def issue(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID,
        kind: CredentialKind,
        name: str,
        title: str = "",
        profile: str | None = None,
    ) -> Issued:
        """A credential for a platform (of `profile`'s dialect, the native one when None), a panel or a console.

        Raises SiteNotFound, CredentialNameTaken, NameNotForTopics, ProfileNotMqtt.
        """
        site = await self._catalog.site(session, scope, site_id)
        self._dialect(profile)
        row = await self._add(
            session,
            site_id=site_id,
            kind=kind,
            name=f"{_for_topics(site.code)}/{_for_topics(name)}",
            title=title,
            profile=profile,
        )
        return await self._issue(session, row)

    async def rotate(self, session: AsyncSession, scope: Scope, credential_id: UUID) -> Issued:
        """A new password; the old one is let in no more. Raises CredentialNotFound."""
        return await self._issue(session, await self._row(session, scope, credential_id))

    async def revoke(self, session: AsyncSession, scope: Scope, credential_id: UUID) -> None:
        """Its open connections end. Raises CredentialNotFound."""
        row = await self._row(session, scope, credential_id)
        await session.delete(row)
        await publish(session, MqttCredentialsChanged(site_id=row.site_id))

    async def find(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        kind: CredentialKind | None = None,
        q: str | None = None,
        sort: str = "name",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[CredentialView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find_credentials(
            session, scope, site_id=site_id, kind=kind, q=q, sort=sort, limit=limit, offset=offset
        )
        book = await self._book(session)
        return [self._shown(row, book) for row in rows], total

    async def site_of_console(self, session: AsyncSession, name: str) -> UUID | None:
        """The site whose alarms the console of that name answers; None when there is no such console."""
        row = await repository.credential_named(session, name)
        return row.site_id if row is not None and row.kind == CredentialKind.CONSOLE else None

    async def users(self, session: AsyncSession) -> list[MqttUser]:
        """Everybody to be let in, as the broker wants to know it. Retired equipment is let in no more."""
        book = await self._book(session)
        users = []
        for row in await repository.every_credential(session):
            view = self._shown(row, book)
            if view.publish or view.subscribe:
                users.append(MqttUser(view.name, row.password_hash, publish=view.publish, subscribe=view.subscribe))
        return users

    async def issue_fleet(self, session: AsyncSession, site_id: UUID) -> dict[str, str]:
        """Name → password of everybody the simulated fleet of a site connects as, made or renewed."""
        scope = Scope.of(site_id)
        issued = [
            await self.issue_for_equipment(session, scope, entry.equipment_id)
            for entry in (await load_directory(session)).of_protocol("mqtt")
            if entry.site_id == site_id
            and _is_for_topics(entry.external_id)
            and (entry.kind is EquipmentKind.ELEVATOR or entry.profile_key in PLAYED_STATIONS)
        ]
        site = await self._catalog.site(session, scope, site_id)
        for name, title in (("nbiot-smoke", "烟感平台"), ("nbiot-water", "水表平台")):
            row = await repository.credential_named(session, f"{site.code}/{name}")
            issued.append(
                await self._issue(session, row)
                if row is not None
                else await self.issue(
                    session, scope, site_id=site_id, kind=CredentialKind.PLATFORM, name=name, title=title
                )
            )
        return {one.name: one.password for one in issued}

    # --- inside --------------------------------------------------------------------------------------------------

    async def _row(self, session: AsyncSession, scope: Scope, credential_id: UUID) -> MqttCredential:
        row = await repository.credential(session, scope, credential_id)
        if row is None:
            raise CredentialNotFound(credential_id)
        return row

    async def _add(
        self,
        session: AsyncSession,
        *,
        site_id: UUID,
        kind: CredentialKind,
        name: str,
        title: str = "",
        equipment_id: UUID | None = None,
        profile: str | None = None,
    ) -> MqttCredential:
        if await repository.credential_named(session, name) is not None:
            raise CredentialNameTaken(name)
        row = MqttCredential(
            site_id=site_id, kind=kind.value, name=name, title=title, equipment_id=equipment_id, profile_key=profile
        )
        session.add(row)
        return row

    async def _issue(self, session: AsyncSession, row: MqttCredential) -> Issued:
        password = secrets.token_urlsafe(24)
        row.password_hash, row.issued_at = hash_password(password), self._clock.now()
        await session.flush()
        await publish(session, MqttCredentialsChanged(site_id=row.site_id))
        return Issued(**vars(await self._view(session, row)), password=password)

    async def _view(self, session: AsyncSession, row: MqttCredential) -> CredentialView:
        everywhere = Scope.everywhere()  # the row is the caller's to see already
        devices: dict[UUID, _Device] = {}
        if row.equipment_id is not None:
            equipment = await self._catalog.equipment(session, everywhere, row.equipment_id)
            if equipment.retired_at is None:
                devices[equipment.id] = _Device(equipment.profile_key or "", equipment.external_id)
        site = await self._catalog.site(session, everywhere, row.site_id)
        return self._shown(row, _Book({site.id: site.code}, devices))

    async def _book(self, session: AsyncSession) -> "_Book":
        sites = await self._catalog.sites(session, Scope.everywhere())
        entries = (await load_directory(session)).of_protocol("mqtt")
        devices = {entry.equipment_id: _Device(entry.profile_key, entry.external_id) for entry in entries}
        return _Book({site.id: site.code for site in sites}, devices)

    def _shown(self, row: MqttCredential, book: "_Book") -> CredentialView:
        device = book.devices.get(row.equipment_id) if row.equipment_id is not None else None
        publish_to, subscribe_to = self._topics(row, device, book.sites[row.site_id])
        return CredentialView(
            row.id, row.site_id, CredentialKind(row.kind), row.name, row.title, row.equipment_id, row.profile_key,
            publish_to, subscribe_to, row.issued_at,
        )  # fmt: skip

    def _topics(
        self, row: MqttCredential, device: "_Device | None", site: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(publish, subscribe)"""
        if not _is_for_topics(site):
            return (), ()
        kind = CredentialKind(row.kind)
        match kind:
            case CredentialKind.DEVICE:
                if device is None:
                    return (), ()
                topics = self._device_topics(device, site)
                heard = self._command_topics(device.profile_key, site=site, device=device.external_id)
                return topics, heard if topics else ()
            case CredentialKind.PLATFORM:
                rules = self._dialect(row.profile_key).rules
                heard = self._command_topics(row.profile_key, site=site, device="+")
                return tuple(dict.fromkeys(rule.topic.filled(site=site, device="+") for rule in rules)), heard
            case CredentialKind.PANEL:
                return (), (f"site/{site}/alarms", f"site/{site}/alerts/+")
            case CredentialKind.CONSOLE:
                console = row.name.removeprefix(f"{site}/")
                return (answers_topic(site, console),), (f"site/{site}/alarms", results_topic(site, console))
            case _:
                assert_never(kind)

    def _device_topics(self, device: "_Device", site: str) -> tuple[str, ...]:
        """The topics that name this very device; none when its profile is gone or its name would open others'."""
        profile = self._profiles.get(device.profile_key)
        if profile is None or profile.protocol != "mqtt" or not _is_for_topics(device.external_id):
            return ()
        rules = [rule for rule in dialect_of(profile).rules if rule.topic.names_device]
        return tuple(dict.fromkeys(rule.topic.filled(site=site, device=device.external_id) for rule in rules))

    def _command_topics(self, profile_key: str | None, *, site: str, device: str) -> tuple[str, ...]:
        """What such a device must hear to be told anything."""
        profile = self._profiles.get(profile_key or "")
        if profile is None or profile.protocol != "mqtt":
            return ()
        said = [command_of(profile, key) for key in profile.points]
        topics = [topic for one in said if one is not None for topic in (one.topic, *([one.ask[0]] if one.ask else []))]
        return tuple(dict.fromkeys(topic.filled(site=site, device=device) for topic in topics))

    def _check_device(self, equipment: EquipmentView) -> None:
        _for_topics(equipment.external_id)
        device = _Device(equipment.profile_key or "", equipment.external_id)
        if equipment.retired_at is not None or not self._device_topics(device, "site"):
            raise CredentialNeedsMqtt(equipment.code)

    def _dialect(self, profile_key: str | None) -> Dialect:
        if profile_key is None:
            return native_dialect()
        profile = self._profiles.get(profile_key)
        if profile is None or profile.protocol != "mqtt":
            raise ProfileNotMqtt(profile_key)
        return dialect_of(profile)


def _for_topics(name: str) -> str:
    if not _is_for_topics(name):
        raise NameNotForTopics(name)
    return name


def _is_for_topics(name: str) -> bool:
    # `+`, `#`, `*` and `>` are wildcards of MQTT or NATS: in a permission they would open other devices' topics.
    return re.fullmatch(r"[^\s+#*>/\x00-\x1f]{1,128}", name) is not None
