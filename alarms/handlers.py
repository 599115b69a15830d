"""What alarms do when something happens elsewhere."""

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource, Detection
from alarms.service import AlarmService
from building.equipment import EquipmentKind
from building.severity import Severity
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.events import LinkChanged
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock, to_ms
from kit.i18n import Language, Texts

LINK = "link"
OFFLINE = "offline"

# Silence of these is dangerous by itself: nobody would hear of a fire or of a trapped passenger.
_GUARDS = {
    EquipmentKind.FIRE_PANEL,
    EquipmentKind.SMOKE_DETECTOR,
    EquipmentKind.HEAT_DETECTOR,
    EquipmentKind.GAS_DETECTOR,
    EquipmentKind.ELEVATOR,
    EquipmentKind.GATEWAY,
}


class LinkAlarms:
    """Raises an alarm when a device's link is lost and returns it when it is back."""

    def __init__(
        self, alarms: AlarmService, catalog: CatalogService, directory: LiveDirectory, texts: Texts, clock: Clock
    ) -> None:
        self._alarms = alarms
        self._catalog = catalog
        self._directory = directory
        self._texts = texts
        self._clock = clock

    async def on_link_changed(self, session: AsyncSession, event: LinkChanged) -> None:
        """Looks at the link as it is now, so that events may come twice and in any order."""
        equipment = self._directory.current.by_id.get(event.equipment_id)
        if equipment is None:
            return
        link = await self._catalog.equipment(session, Scope.everywhere(), event.equipment_id)
        changed_ms = to_ms(link.link_changed_at or self._clock.now())
        if link.link_up is False:
            await self._alarms.apply(session, [self._detection(equipment, onset_ms=changed_ms)])
            return
        lasting = await self._alarms.lasting_episodes(
            session, source=AlarmSource.LINK, life_safety=False, equipment_ids=[equipment.equipment_id]
        )
        ended = [
            self._detection(equipment, onset_ms=onset_ms, at_ms=max(changed_ms, onset_ms), active=False)
            for *_, onset_ms in lasting
        ]
        await self._alarms.apply(session, ended)

    def _detection(
        self, equipment: EquipmentEntry, *, onset_ms: int, at_ms: int | None = None, active: bool = True
    ) -> Detection:
        return Detection(
            source=AlarmSource.LINK,
            source_id=LINK,
            equipment_id=equipment.equipment_id,
            site_id=equipment.site_id,
            active=active,
            onset_ms=onset_ms,
            at_ms=onset_ms if at_ms is None else at_ms,
            severity=Severity.MAJOR if equipment.kind in _GUARDS else Severity.MINOR,
            fault_mode=OFFLINE,
            life_safety=False,
            message={language.value: self._texts.text("alarms.link_lost", language) for language in Language},
        )
