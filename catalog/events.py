"""What happened to the catalog. Consumers: the directory's loaders, open screens."""

from uuid import UUID

from kit.events import Event


class CatalogChanged(Event, frozen=True, kw_only=True):
    """Equipment, points or links of a site changed; whoever holds a Directory loads it anew."""


class LinkChanged(Event, frozen=True, kw_only=True):
    """A device's link went up or down."""

    equipment_id: UUID
    is_up: bool


class DeviceDiscovered(Event, frozen=True, kw_only=True):
    discovered_id: UUID


class DeviceBound(Event, frozen=True, kw_only=True):
    """A discovered device became an equipment; its kept samples want storing as readings."""

    discovered_id: UUID
    equipment_id: UUID


class SiteSettingsChanged(Event, frozen=True, kw_only=True):
    """Somebody changed a site's settings; what was opened before keeps the policy it was opened with."""
