"""Directories for tests: equipment as the catalog would hand it over, without a database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from building.profile import DeviceProfile
from catalog.directory import Directory, EquipmentEntry, PointEntry
from catalog.profiles import load_profiles
from kit.ids import new_id

PROFILES: dict[str, DeviceProfile] = load_profiles(Path(__file__).parents[2] / "device_adapters" / "profiles")
SITE_ID = new_id()


def equipment(
    profile_key: str,
    code: str,
    *,
    first_point: int = 1,
    partition: int = 3,
    site_code: str = "yunqi",
    external_id: str | None = None,
    address: Mapping[str, Any] | None = None,
) -> EquipmentEntry:
    """An equipment with every point of its profile, numbered from `first_point`."""
    profile = PROFILES[profile_key]
    points = {
        spec.key: PointEntry(
            first_point + index, spec.key, spec.kind, spec.unit, spec.low, spec.high, spec.reporting, spec.life_safety
        )
        for index, spec in enumerate(profile.points.values())
    }
    return EquipmentEntry(
        equipment_id=new_id(),
        site_id=SITE_ID,
        site_code=site_code,
        code=code,
        name=code,
        kind=profile.kind,
        profile_key=profile_key,
        protocol=profile.protocol,
        external_id=external_id or code,
        address=address or {},
        partition=partition,
        parent_id=None,
        building_id=None,
        in_service=True,
        points=points,
    )


def directory(*entries: EquipmentEntry, version: int = 1) -> Directory:
    return Directory.of(version, entries)
