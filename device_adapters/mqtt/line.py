"""One line of a broker: its own session, its share of the points, PUBACK once everything is kept.

Two lines read each broker, ordinary and life safety. MQTT knows no "all but", so both subscribe to `site/+/device/+/…`;
each reads only its share of the points, and the life-safety line drops a message by its topic, before reading any JSON,
unless that very equipment has a life-safety point. One wildcard rather than five hundred topics, because nats-server
keeps a consumer for each subscription and limits what a session may have under way.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection, Inbound
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.routing import Share
from device_adapters.mqtt.session import Session
from device_adapters.mqtt.silence import SilenceWatch
from device_adapters.mqtt.translation import Translation, Translator
from kit.clock import Clock, to_ms
from kit.logs import logger

log = logger(__name__)

READ_AT_ONCE = 512
PAUSE_AT = 8_192
RESUME_AT = 1_024


class Line:
    """`run` until cancelled. `share` is asked for each batch: see `MqttAdapter`."""

    def __init__(
        self,
        name: str,
        broker: Broker,
        *,
        share: Callable[[], Share],
        filters: Callable[[], Sequence[str]],
        translator: Translator,
        intake: Intake,
        links: LinkBook,
        silence: SilenceWatch,
        clock: Clock,
        metrics: MqttMetrics,
    ) -> None:
        self._name = name
        self._broker = broker
        self._share = share
        self._translator = translator
        self._intake = intake
        self._links = links
        self._silence = silence
        self._clock = clock
        self._waiting: deque[Inbound] = deque()
        self._arrived = asyncio.Event()
        self._messages = metrics.messages.labels(broker.name, name)
        self._foreign = metrics.foreign.labels(broker.name, name)
        self._up_gauge = metrics.session_up.labels(broker.name, name)
        self._waiting_gauge = metrics.waiting.labels(broker.name, name)
        self._pauses = metrics.pauses.labels(broker.name, name)
        self._is_up: bool | None = None
        self._session = Session(
            broker, client_id=f"{broker.client_id}-{name}", filters=filters, on_publish=self._take, state=self
        )

    @property
    def is_up(self) -> bool:
        """Connected, and every subscription granted."""
        return self._is_up is True

    @property
    def is_down(self) -> bool:
        """Tried, and lost or refused; False while nothing is known yet."""
        return self._is_up is False

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._session.run(), name=f"mqtt {self._broker.name} {self._name} session")
                group.create_task(self._read(), name=f"mqtt {self._broker.name} {self._name} reading")
        finally:
            self._is_up = None
            self._up_gauge.set(0)

    # --- what the session tells --------------------------------------------------------------------------------------

    def up(self) -> None:
        if self._is_up is not True:
            log.info("broker session is up", broker=self._broker.name, line=self._name)
        self._is_up = True
        self._up_gauge.set(1)

    def down(self, reason: str) -> None:
        if self._is_up is not False:
            log.error("broker session is down", broker=self._broker.name, line=self._name, reason=reason)
        self._is_up = False
        self._up_gauge.set(0)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _take(self, message: Inbound) -> None:
        self._waiting.append(message)
        self._arrived.set()
        if len(self._waiting) >= PAUSE_AT and message.connection.pause():
            self._pauses.inc()

    async def _read(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(READ_AT_ONCE, len(self._waiting)))]
                self._waiting_gauge.set(len(self._waiting))
                await self._handle(batch)
                if len(self._waiting) <= RESUME_AT:
                    batch[-1].connection.resume()

    async def _handle(self, batch: list[Inbound]) -> None:
        self._messages.inc(len(batch))
        share, now_ms = self._share(), to_ms(self._clock.now())
        read = [self._translator.translate(message, share=share, now_ms=now_ms) for message in batch]
        entries = [entry for translation in read for entry in translation.entries]
        if entries:
            await self._intake.submit(entries)
        safe: dict[Connection, list[Inbound]] = defaultdict(list)
        for message, translation in zip(batch, read, strict=True):
            for equipment, is_up in translation.links:
                self._links.note(equipment.equipment_id, is_up)
                if is_up:
                    self._silence.heard(equipment.equipment_id)
            if translation.unknown or translation.refusals:
                self._keep_refused(message, translation)
            else:
                safe[message.connection].append(message)
                self._foreign.inc(translation.is_foreign)
        for connection, messages in safe.items():
            connection.acknowledge(messages)

    def _keep_refused(self, message: Inbound, translation: Translation) -> None:
        """PUBACK comes once all that was refused of the message is kept."""
        last = len(translation.unknown) + len(translation.refusals) - 1
        for index, unknown in enumerate(translation.unknown):
            self._intake.unknown(unknown, done=message.acknowledge if index == last else None)
        for index, refusal in enumerate(translation.refusals, start=len(translation.unknown)):
            self._intake.refuse(
                raw=message.payload,
                reason=refusal.reason,
                detail=f"{message.topic}: {refusal.detail}",
                source=f"mqtt:{self._broker.name}",
                site_id=None if translation.entry is None else translation.entry.site_id,
                done=message.acknowledge if index == last else None,
            )
