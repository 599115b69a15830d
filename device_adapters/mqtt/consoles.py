"""What consoles answer to alarms at one broker: heard, handed on, and told what came of it.

A console may publish to its own topic and to no other (`device_adapters.mqtt.credentials`): the topic says who answers
and for which site. Only the embedded broker is listened to, for it is the one that holds them to it.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.packets import Publish
from device_adapters.mqtt.session import Session
from kit.backoff import Backoff
from kit.logs import logger

log = logger(__name__)

ANSWERS = "site/+/alarms/answers/+"
# More than people press; what does not fit is sent again by the broker on the next connection.
WAITING = 1_000
_TOPIC = re.compile(r"site/([^/]+)/alarms/answers/([^/]+)", re.ASCII | re.DOTALL)
_RETAINED = 0x01
LINE = "consoles"

# Given the site's code, the console's name there and what it said; returns what it is to be told. Raises only what may
# be over when the same is tried again.
Answering = Callable[[str, str, bytes], Awaitable[bytes]]


def answers_topic(site: str, console: str) -> str:
    return f"site/{site}/alarms/answers/{console}"


def results_topic(site: str, console: str) -> str:
    return f"site/{site}/alarms/results/{console}"


class ConsoleLine:
    """`run` until cancelled, in one process at a time. One answer after the other, acknowledged when it is done."""

    def __init__(self, broker: Broker, answering: Answering, metrics: MqttMetrics) -> None:
        self._broker = broker
        self._answering = answering
        self._metrics = metrics
        self._waiting: asyncio.Queue[tuple[Connection, Publish]] = asyncio.Queue(WAITING)
        self._session = Session(
            broker, client_id=f"{broker.client_id}-consoles", filters=lambda: (ANSWERS,), former=lambda: (),
            on_publish=self._hear, state=self,
        )  # fmt: skip

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._session.run(), name=f"consoles of {self._broker.name}")
            group.create_task(self._answer_all(), name=f"answers of {self._broker.name}")

    # --- told by the session ---------------------------------------------------------------------------------------

    def up(self) -> None:
        self._metrics.session_up.labels(self._broker.name, LINE).set(1)
        log.info("consoles are heard", broker=self._broker.name)

    def down(self, reason: str) -> None:
        self._metrics.session_up.labels(self._broker.name, LINE).set(0)
        log.warning("consoles are not heard", broker=self._broker.name, reason=reason)

    def forgotten(self) -> None:
        self._metrics.forgotten.labels(self._broker.name, LINE).inc()
        log.warning("the broker forgot what consoles said meanwhile", broker=self._broker.name)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _hear(self, connection: Connection, publishes: list[Publish]) -> None:
        for one in publishes:
            try:
                self._waiting.put_nowait((connection, one))
            except asyncio.QueueFull:
                connection.give_up("consoles say more than can be answered")
                return

    async def _answer_all(self) -> None:
        while True:
            connection, (flags, topic, mid, payload) = await self._waiting.get()
            found = _TOPIC.fullmatch(topic.decode("utf-8", "replace"))
            # What a broker kept is nobody's word now.
            if found is None or flags & _RETAINED:
                self._metrics.answers_passed_over.inc()
            else:
                told = await self._done(found[1], found[2], payload)
                with contextlib.suppress(OSError, TimeoutError):  # whoever is gone does not hear it
                    await connection.send(results_topic(found[1], found[2]), told, qos=1, retain=False)
            connection.acknowledge_soon(mid)

    async def _done(self, site: str, console: str, payload: bytes) -> bytes:
        """Tries until the database is there again, and only while it is away: an acknowledgement that was given is not
        lost, and one that cannot be entered is in nobody's way."""
        backoff = Backoff(first_s=0.5, longest_s=10.0)
        while True:
            try:
                return await self._answering(site, console, payload)
            except Exception:
                if backoff.failures == 0:
                    log.exception("a console's answer could not be entered", site=site, console=console)
                await asyncio.sleep(backoff.next_s())
