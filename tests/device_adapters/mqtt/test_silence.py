"""Devices without a last will."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from building.link import LinkChange
from catalog.directory import LiveDirectory
from device_adapters.links import LinkBook
from device_adapters.mqtt.routing import Router
from device_adapters.mqtt.silence import SilenceWatch
from kit.clock import FakeClock
from tests.device_adapters.directories import PROFILES, directory, equipment

SMOKE = equipment("nbiot-smoke", "SMOKE-001")
LIFT = equipment("gb24476-elevator", "LIFT-06", first_point=100)
DAY_S = 86_400.0


class RecordingLinks(LinkBook):
    def __init__(self, clock: FakeClock) -> None:
        async def on_links(changes: Sequence[LinkChange]) -> None: ...

        super().__init__(on_links=on_links, clock=clock)
        self.noted: list[tuple[UUID, bool]] = []

    def note(self, equipment_id: UUID, is_up: bool) -> None:
        self.noted.append((equipment_id, is_up))


def test_only_silence_beyond_the_profiles_limit_is_a_loss() -> None:
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    links = RecordingLinks(clock)
    router = Router(LiveDirectory(directory(SMOKE, LIFT)), PROFILES, broker="embedded")
    watch = SilenceWatch(router.watched, links=links, clock=clock)
    clock.advance(seconds=DAY_S)
    watch.heard(SMOKE.equipment_id)
    clock.advance(seconds=DAY_S)
    watch.look()
    assert links.noted == []
    clock.advance(seconds=3_700)
    watch.look()
    assert links.noted == [(SMOKE.equipment_id, False)]  # the lift has a last will: its silence says nothing


def test_nobody_is_silent_before_the_hub_has_listened_long_enough() -> None:
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    links = RecordingLinks(clock)
    router = Router(LiveDirectory(directory(SMOKE)), PROFILES, broker="embedded")
    watch = SilenceWatch(router.watched, links=links, clock=clock)
    watch.look()
    clock.advance(seconds=DAY_S)
    watch.look()
    assert links.noted == []
