"""What a discovered device said before anybody knew it, made readings once it is bound to an equipment."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.profile import DeviceProfile
from catalog.directory import Directory, EquipmentEntry, LiveDirectory
from catalog.events import DeviceBound
from catalog.loader import load_directory
from catalog.views import Sample
from device_adapters.intake import Entries, Intake
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.routing import Router, Share
from device_adapters.mqtt.translation import Translator
from device_adapters.values import Refusal
from kit.clock import to_ms

# The directory is loaded anew within a fraction of this; a database that is away may take longer than anybody waits.
KNOWN_WITHIN_S = 10.0
LOOK_S = 0.05


class KeptMessages(Protocol):
    """The part of `catalog.discovery.Discovery` that gives back what it kept."""

    async def take_samples(self, session: AsyncSession, discovered_id: UUID) -> list[Sample]: ...


class KeptSamples:
    """Handles DeviceBound. Handled twice it finds nothing: the samples leave the inbox in the same transaction."""

    def __init__(
        self, profiles: Mapping[str, DeviceProfile], discovery: KeptMessages, intake: Intake, live: LiveDirectory
    ) -> None:
        self._live = live
        self._profiles = profiles
        self._discovery = discovery
        self._intake = intake

    async def on_device_bound(self, session: AsyncSession, event: DeviceBound) -> None:
        """A sample without a time of its own gets the time at which it came.

        The bus has the readings before the samples are gone: a crash between the two makes them come twice.
        """
        entry = (await load_directory(session)).by_id.get(event.equipment_id)
        if entry is None or entry.protocol != "mqtt":
            return
        await self._until_known(entry)
        samples = await self._discovery.take_samples(session, event.discovered_id)
        broker = str(entry.address.get("broker", ""))
        router = Router(
            LiveDirectory(Directory.of(0, [entry])), self._profiles, broker=broker, site_code=entry.site_code
        )
        translator = Translator(router, broker=broker)
        entries: list[Entries] = []
        for sample in samples:
            read = translator.translate(
                Message(sample.topic, sample.payload, retained=False), share=Share.ALL, now_ms=to_ms(sample.received_at)
            )
            entries.append(read.entries)
            for refusal in read.refusals:
                self._refuse(entry, sample, refusal, broker)
        await self._intake.submit([one for some in entries for one in some])

    async def _until_known(self, entry: EquipmentEntry) -> None:
        """The readers of the bus hear of new points a moment after the catalog has them, and would refuse readings
        that come before as of points nobody knows."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_WITHIN_S):
                while not self._is_known(entry):  # noqa: ASYNC110 - the directory is replaced, it announces nothing
                    await asyncio.sleep(LOOK_S)

    def _is_known(self, entry: EquipmentEntry) -> bool:
        known = self._live.current.by_id.get(entry.equipment_id)
        return known is not None and known.points == entry.points

    def _refuse(self, entry: EquipmentEntry, sample: Sample, refusal: Refusal, broker: str) -> None:
        self._intake.refuse(
            raw=sample.payload, reason=refusal.reason, detail=f"{sample.topic}: {refusal.detail}",
            source=f"mqtt:{broker}", site_id=entry.site_id,
        )  # fmt: skip
