"""Whether the hub may switch a point to a value: the same look when a rule is saved and when its action is done."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import EquipmentEntry
from device_adapters.commands.command import NoWay
from device_adapters.commands.sending import Commands
from device_adapters.commands.targets import Refused
from linkage import repository
from linkage.models import LinkagePoint
from linkage.rule import Action, Hindrance, Listing


@dataclass(frozen=True)
class Hindered:
    """`refused`: where it is protected, by what."""

    hindrance: Hindrance
    detail: str = ""
    refused: Refused | None = None


@dataclass(frozen=True)
class Target:
    entry: EquipmentEntry
    listed: LinkagePoint


class Checking:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def look(self, equipment_id: UUID, key: str, *, site_id: UUID | None) -> EquipmentEntry | Hindered:
        """Whether a command may and can reach the point at all, listed or not. `site_id`: where it must stand."""
        entry = self._commands.entry(equipment_id)
        if entry is None:
            return Hindered(Hindrance.UNKNOWN_EQUIPMENT)
        if site_id is not None and entry.site_id != site_id:
            return Hindered(Hindrance.OTHER_SITE)
        refused = self._commands.protection(entry)
        if refused is not None:
            return Hindered(Hindrance.PROTECTED, f"{refused.protection}: {refused.because.code}", refused)
        try:
            self._commands.writable(entry, key)
        except NoWay as reason:
            return Hindered(Hindrance.NOT_WRITABLE, str(reason))
        return entry

    async def target(self, session: AsyncSession, action: Action, *, site_id: UUID) -> Target | Hindered:
        entry = self.look(action.equipment_id, action.point, site_id=site_id)
        if isinstance(entry, Hindered):
            return entry
        listed = await repository.listing(session, action.equipment_id, action.point)
        if listed is None:
            return Hindered(Hindrance.NOT_LISTED, f"{entry.code}.{action.point}")
        if not Listing(listed.low, listed.high).allows(action.value):
            return Hindered(Hindrance.OUT_OF_RANGE, f"{listed.low:g}…{listed.high:g}")
        return Target(entry, listed)
