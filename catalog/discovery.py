"""The inbox of devices that speak and that the catalog does not know: bounded, shown with what they said, bindable."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from building.profile import DeviceProfile
from catalog import device_repository as repository
from catalog.errors import AlreadyBound, BindingRefused, CodeTaken, DiscoveredDeviceNotFound, EquipmentNotFound
from catalog.events import CatalogChanged, DeviceBound, DeviceDiscovered
from catalog.foreign_text import storable
from catalog.line_repository import bump_revision
from catalog.models import DiscoveredDevice, DiscoveredSample, Equipment
from catalog.repository import equipment_row
from catalog.views import DiscoveredView, Sample
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish

SAMPLES_KEPT = 20
DEVICES_KEPT = 5_000  # a sender that invents names must not fill the disk


class Discovery:
    """Notes unknown devices, `devices_kept` at most, and binds them. `registry` gets the counters."""

    def __init__(
        self,
        profiles: Mapping[str, DeviceProfile],
        clock: Clock,
        registry: CollectorRegistry,
        *,
        devices_kept: int = DEVICES_KEPT,
    ) -> None:
        self._profiles = profiles
        self._devices_kept = devices_kept
        self._clock = clock
        self._noted = Counter(
            "hub_discovered_messages", "Messages of devices the catalog does not know.", ["protocol"], registry=registry
        )
        self._refused = Counter(
            "hub_discovered_refused", "Messages of new devices refused because the inbox is full.", ["protocol"],
            registry=registry,
        )  # fmt: skip

    async def note(
        self,
        session: AsyncSession,
        *,
        protocol: str,
        broker: str,
        site_code: str,
        external_id: str,
        topic: str,
        payload: bytes,
        received_at: datetime,
    ) -> bool:
        """As `note_all`, one message."""
        return await self.note_all(
            session, protocol=protocol, broker=broker, site_code=site_code, external_id=external_id,
            said=[Sample(topic, payload, received_at)], times=1, heard_at=received_at,
        )  # fmt: skip

    async def count_all(
        self, session: AsyncSession, times: Mapping[tuple[str, str, str, str], int], *, heard_at: datetime
    ) -> None:
        """Counts messages of which nothing is kept, by device (protocol, broker, site's code, name), in one statement.

        A device that is not in the inbox does not come into it this way: its messages count as refused.
        """
        heard: Tally[tuple[str, str, str, str]] = Tally()
        for (protocol, broker, site_code, external_id), count in times.items():
            heard[storable(protocol), storable(broker), storable(site_code), storable(external_id)] += count
        known = await repository.heard_all(session, heard, at=heard_at)
        for device, count in heard.items():
            self._noted.labels(device[0]).inc(count)
            if device not in known:
                self._refused.labels(device[0]).inc(count)

    async def note_all(
        self,
        session: AsyncSession,
        *,
        protocol: str,
        broker: str,
        site_code: str,
        external_id: str,
        said: Sequence[Sample],
        times: int,
        heard_at: datetime,
    ) -> bool:
        """Keeps messages of an unknown device, oldest first: the newest 20, counting all. False when the inbox is full.

        It spoke `times` times, last at `heard_at`; `said` may be fewer, but not nothing. A device that was bound while
        these messages were on their way is announced again, so that they are used.
        """
        key = {"protocol": protocol, "broker": broker, "site_code": site_code, "external_id": external_id}
        key = {name: storable(value) for name, value in key.items()}
        row = await repository.heard(session, key, at=heard_at, times=times)
        if row is None:
            row = await self._meet(session, key, at=heard_at, times=times)
        self._noted.labels(protocol).inc(times)
        if row is None:
            self._refused.labels(protocol).inc(times)
            return False
        kept = [Sample(storable(one.topic), one.payload, one.received_at) for one in said[-SAMPLES_KEPT:]]
        await repository.keep_samples(session, row.id, kept, keep=SAMPLES_KEPT)
        if row.bound_equipment_id is not None and row.site_id is not None:
            bound = DeviceBound(site_id=row.site_id, discovered_id=row.id, equipment_id=row.bound_equipment_id)
            await publish(session, bound)
        return True

    async def bind(self, session: AsyncSession, scope: Scope, discovered_id: UUID, equipment_id: UUID) -> list[Sample]:
        """Makes an equipment go by the device's name on the wire; the kept messages, oldest first.

        Raises DiscoveredDeviceNotFound, EquipmentNotFound, AlreadyBound, BindingRefused, CodeTaken.
        """
        row = await self._row(session, scope, discovered_id, lock=True)
        equipment = await equipment_row(session, scope, equipment_id)
        if equipment is None:
            raise EquipmentNotFound(equipment_id)
        await self._check_binding(session, row, equipment)
        equipment.external_id, equipment.protocol = row.external_id, row.protocol
        equipment.address = {**equipment.address, "broker": row.broker}
        row.site_id, row.bound_equipment_id, row.bound_at = equipment.site_id, equipment.id, self._clock.now()
        await session.flush()
        await bump_revision(session, equipment.site_id)
        await publish(session, CatalogChanged(site_id=equipment.site_id))
        bound = DeviceBound(site_id=equipment.site_id, discovered_id=row.id, equipment_id=equipment.id)
        await publish(session, bound)
        return [_sample(sample) for sample in await repository.samples(session, row.id)]

    async def samples(self, session: AsyncSession, scope: Scope, discovered_id: UUID) -> list[Sample]:
        await self._row(session, scope, discovered_id)
        return [_sample(sample) for sample in await repository.samples(session, discovered_id)]

    async def take_samples(self, session: AsyncSession, discovered_id: UUID) -> list[Sample]:
        """The kept messages of a bound device, oldest first, out of the inbox for good once this commits."""
        return [_sample(sample) for sample in await repository.take_samples(session, discovered_id)]

    async def find(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID | None = None,
        protocol: str | None = None,
        is_bound: bool | None = None,
        q: str | None = None,
        sort: str = "-last_seen_at",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[DiscoveredView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find_discovered(
            session, scope, site_id=site_id, protocol=protocol, is_bound=is_bound, q=q, sort=sort, limit=limit,
            offset=offset,
        )  # fmt: skip
        return [discovered_view(row) for row in rows], total

    async def device(self, session: AsyncSession, scope: Scope, discovered_id: UUID) -> DiscoveredView:
        return discovered_view(await self._row(session, scope, discovered_id))

    async def forget(self, session: AsyncSession, scope: Scope, discovered_id: UUID) -> None:
        """Takes a device and its messages out of the inbox; it comes back when it speaks again."""
        await session.delete(await self._row(session, scope, discovered_id))

    async def _meet(
        self, session: AsyncSession, key: dict[str, str], *, at: datetime, times: int
    ) -> DiscoveredDevice | None:
        if await repository.count_discovered(session) >= self._devices_kept:
            return None
        site_id = await repository.site_id_of(session, key["site_code"])
        row = await repository.add_discovered(session, key, site_id=site_id, at=at, times=times)
        if row is None:
            return await repository.heard(session, key, at=at, times=times)
        if site_id is not None:
            await publish(session, DeviceDiscovered(site_id=site_id, discovered_id=row.id))
        return row

    async def _row(
        self, session: AsyncSession, scope: Scope, discovered_id: UUID, *, lock: bool = False
    ) -> DiscoveredDevice:
        row = await repository.discovered(session, scope, discovered_id, lock=lock)
        if row is None:
            raise DiscoveredDeviceNotFound(discovered_id)
        return row

    async def _check_binding(self, session: AsyncSession, row: DiscoveredDevice, equipment: Equipment) -> None:
        if row.bound_equipment_id is not None:
            raise AlreadyBound(row.external_id)
        if row.site_id not in (None, equipment.site_id):
            raise EquipmentNotFound(equipment.id)
        profile = self._profiles.get(equipment.profile_key or "")
        if profile is None or profile.protocol != row.protocol:
            raise BindingRefused(equipment=equipment.code, protocol=row.protocol)
        if not await repository.name_is_free(
            session, site_id=equipment.site_id, external_id=row.external_id, but=equipment.id
        ):
            raise CodeTaken(row.external_id)


def discovered_view(row: DiscoveredDevice) -> DiscoveredView:
    return DiscoveredView(
        row.id, row.site_id, row.site_code, row.protocol, row.broker, row.external_id, row.first_seen_at,
        row.last_seen_at, row.messages, row.bound_equipment_id, row.bound_at,
    )  # fmt: skip


def _sample(row: DiscoveredSample) -> Sample:
    return Sample(row.topic, row.payload, row.received_at)
