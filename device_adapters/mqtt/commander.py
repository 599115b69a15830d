"""Tells devices something over MQTT, on a connection of its own: it stands behind no other message of the broker."""

import asyncio
import contextlib
import math
from collections.abc import Mapping

from building.profile import BadProfile, DeviceProfile
from catalog.directory import LiveDirectory
from device_adapters.commands.command import TOO_LATE, Answer, Command, NoWay, Outcome, is_close
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection
from device_adapters.mqtt.command_dialect import Said, command_of, is_nameable
from device_adapters.mqtt.dialect import dialect_of
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.packets import REFUSED, RETAINED, Publish
from device_adapters.mqtt.routing import Router, Share
from device_adapters.mqtt.translation import Translator
from kit.clock import Clock, to_ms
from kit.ids import new_id

OPEN_S = 3.0


class Commander:
    """`carry` connects, listens to the device, tells it, and waits for what it says of the point."""

    def __init__(
        self,
        broker: Broker,
        *,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        router: Router,
        clock: Clock,
    ) -> None:
        self._broker = broker
        self._directory = directory
        self._profiles = profiles
        self._translator = Translator(router, broker=broker.name)
        self._clock = clock

    async def carry(self, command: Command) -> Answer:
        """Raises NoWay for what this device cannot be told. The command is published once."""
        said, topics = self._plan(command)
        heard = _Heard(self._translator, self._point_no(command), command.value, clock=self._clock)
        connection = Connection(
            self._broker, client_id=f"{self._broker.client_id}-command-{new_id().hex[-8:]}",
            on_publish=heard.take, persistent=False,
        )  # fmt: skip
        try:
            try:
                await self._listen(connection, topics)
            except (OSError, TimeoutError) as error:
                return Answer(outcome=Outcome.NOT_SENT, detail=str(error) or type(error).__name__)
            if command.is_late(to_ms(self._clock.now())):
                return Answer(outcome=Outcome.NOT_SENT, detail=TOO_LATE)
            return await self._tell(connection, said, heard, within_s=command.within_s)
        finally:
            with contextlib.suppress(OSError, TimeoutError):
                await connection.close()

    def _plan(self, command: Command) -> tuple[list[Said], list[str]]:
        entry = self._directory.current.by_id.get(command.equipment_id)
        profile = None if entry is None else self._profiles.get(entry.profile_key)
        if entry is None or profile is None or command.point not in entry.points:
            raise NoWay("the device or its point is not in the directory any more")
        try:
            dialect = command_of(profile, command.point)
            rules = dialect_of(profile).telemetry
        except BadProfile as error:
            raise NoWay(str(error)) from None
        if dialect is None or not is_nameable(entry):
            raise NoWay(f"{entry.code}.{command.point}: its profile or its name allows no command")
        if not dialect.can_say(command.value):
            raise NoWay(f"{entry.code}.{command.point}: {command.value:g} is none of {dialect.values}")
        topics = [rule.topic.filled(site=entry.site_code, device=entry.external_id) for rule in rules]
        return dialect.said(entry, command.value, command_id=command.command_id), topics

    def _point_no(self, command: Command) -> int:
        return self._directory.current.by_id[command.equipment_id].points[command.point].point_no

    async def _listen(self, connection: Connection, topics: list[str]) -> None:
        """Before anything is told, so that no answer is missed. Raises OSError or TimeoutError."""
        async with asyncio.timeout(OPEN_S):
            await connection.open()
            granted = await connection.subscribe_all(topics)
        if refused := [topic for topic, code in granted.items() if code >= REFUSED]:
            raise PermissionError(f"the broker refuses the subscription of {', '.join(refused)}")

    async def _tell(self, connection: Connection, said: list[Said], heard: "_Heard", *, within_s: float) -> Answer:
        try:
            async with asyncio.timeout(within_s):
                heard.begin()
                for message in said:
                    await connection.send(message.topic, message.payload, qos=1, retain=False)
                await heard.as_wanted.wait()
        except PermissionError as refused:
            return Answer(outcome=Outcome.REFUSED, detail=str(refused))
        except TimeoutError:
            if heard.last is None:
                return Answer(outcome=Outcome.UNCONFIRMED, detail="the device has not said anything of the point")
            return Answer(outcome=Outcome.DIFFERENT, read_back=heard.last)
        except OSError as error:
            return Answer(outcome=Outcome.UNCONFIRMED, read_back=heard.last, detail=str(error))
        return Answer(outcome=Outcome.DONE, read_back=heard.last)


class _Heard:
    """What the device says of one point after it was told. Retained messages are of any age and say nothing."""

    def __init__(self, translator: Translator, point_no: int, wanted: float, *, clock: Clock) -> None:
        self.as_wanted = asyncio.Event()
        self.last: float | None = None
        self._translator = translator
        self._point_no = point_no
        self._wanted = wanted
        self._clock = clock
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True

    def take(self, connection: Connection, publishes: list[Publish]) -> None:
        for flags, topic, mid, payload in publishes:
            connection.acknowledge_soon(mid)
            if self._has_begun and not flags & RETAINED:
                self._read(Message(topic.decode("utf-8", "replace"), payload, retained=False))

    def _read(self, message: Message) -> None:
        found = self._translator.translate(message, share=Share.ALL, now_ms=to_ms(self._clock.now()))
        for _, readings in found.entries:
            for reading in readings:
                if reading.point_no == self._point_no and not math.isnan(reading.value):
                    self.last = reading.value
        if self.last is not None and is_close(self._wanted, self.last):
            self.as_wanted.set()
