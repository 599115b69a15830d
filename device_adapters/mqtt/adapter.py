"""The MQTT adapter of one broker: an ordinary line and, apart from it, a life-safety line."""

import asyncio
from collections.abc import Mapping
from functools import partial

from building.profile import DeviceProfile
from catalog.directory import LiveDirectory
from device_adapters.commands.command import MQTT
from device_adapters.commands.sending import CommandDoor
from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.commander import Commander
from device_adapters.mqtt.line import Line
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.routing import Router, Share
from device_adapters.mqtt.silence import SilenceWatch
from device_adapters.mqtt.translation import Translator
from kit.clock import Clock


class MqttAdapter:
    """`run` until cancelled. Devices whose address names no broker may speak at any.

    Unless the life-safety line is sure to hear everything of its own, the ordinary one carries its points too: smoke
    that is told twice does no harm, smoke that waits for a session to come back does.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        intake: Intake,
        links: LinkBook,
        clock: Clock,
        metrics: MqttMetrics,
        door: CommandDoor | None = None,
    ) -> None:
        """`door`: where commands come in; without one devices are told nothing."""
        self.broker = broker
        self._door = door
        self._router = router = Router(
            directory, profiles, broker=broker.name, site_code=broker.site, profile_keys=broker.profiles,
            life_safety_topics=broker.life_safety_topics, life_safety_sessions=broker.life_safety_sessions,
        )  # fmt: skip
        translator = Translator(router, broker=broker.name)
        self._commander = Commander(broker, directory=directory, profiles=profiles, router=router, clock=clock)
        self._silence = SilenceWatch(router.watched, links=links, clock=clock)
        self._life_safety = [
            Line(
                "life-safety" if not session else f"life-safety-{session + 1}", broker,
                share=lambda: Share.LIFE_SAFETY, filters=partial(router.life_safety_filters, session),
                router=router, translator=translator, intake=intake, links=links, silence=self._silence, clock=clock,
                metrics=metrics,
            )
            for session in range(broker.life_safety_sessions)
        ]  # fmt: skip
        self._ordinary = Line(
            "readings", broker, share=self._ordinary_share, filters=router.filters,
            router=router, translator=translator, intake=intake, links=links, silence=self._silence, clock=clock,
            metrics=metrics,
        )  # fmt: skip

    @property
    def is_up(self) -> bool:
        """All sessions are connected and every subscription is granted."""
        return self._ordinary.is_up and all(line.is_up for line in self._life_safety)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for line in self._life_safety:
                group.create_task(line.run(), name=f"mqtt {self.broker.name} {line.name}")
            group.create_task(self._silence.run(), name=f"mqtt {self.broker.name} silence")
            if self._door is not None:
                commands = self._door.serve(f"{MQTT} {self.broker.name}", self._commander.carry)
                group.create_task(commands, name=f"mqtt {self.broker.name} commands")
            # Life safety first: what waited at the broker is then read by the line it belongs to, and told once.
            for line in self._life_safety:
                await line.tried.wait()
            group.create_task(self._ordinary.run(), name=f"mqtt {self.broker.name} readings")

    def _ordinary_share(self) -> Share:
        wanted = self._router.life_safety_filters
        hears_all = all(line.settled is wanted(session) for session, line in enumerate(self._life_safety))
        return Share.ORDINARY if hears_all else Share.ALL
