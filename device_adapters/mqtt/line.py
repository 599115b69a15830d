"""One line of a broker: its own session, its share of the points, PUBACK once everything is kept.

Two lines read each broker, ordinary and life safety; each reads only its share of the points. Where few devices have
life-safety points, the second line listens to the topics of just those. MQTT knows no "all but": where they are many,
both subscribe to `site/+/device/+/…`, and the life-safety line drops a message by its topic, before reading any JSON,
unless that very equipment has a life-safety point.

What a read of the socket brings is translated at once and joins the flush that the intake gathers; when that flush is
on the bus, its messages are acknowledged in one write. Several flushes are under way at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from catalog.directory import Directory, EquipmentEntry
from device_adapters.intake import Flush, Intake
from device_adapters.links import LinkBook
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection
from device_adapters.mqtt.lanes import UNKNOWN_LANES_KEPT, Lane, UnknownLane, lane_of, unknown_device
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.packets import RETAINED, Publish
from device_adapters.mqtt.routing import ROUTES_KEPT, Router, Share
from device_adapters.mqtt.session import Filters, Session
from device_adapters.mqtt.silence import SilenceWatch
from device_adapters.mqtt.translation import Translator
from device_adapters.refusals import UnknownMessage
from device_adapters.values import Reason, Refusal
from kit.clock import Clock, to_ms
from kit.logs import logger

log = logger(__name__)


class Line:
    """`run` until cancelled. `share` is asked for each read: see `MqttAdapter`. `tried`: it was up or down once."""

    def __init__(
        self,
        name: str,
        broker: Broker,
        *,
        share: Callable[[], Share],
        filters: Filters,
        router: Router,
        translator: Translator,
        intake: Intake,
        links: LinkBook,
        silence: SilenceWatch,
        clock: Clock,
        metrics: MqttMetrics,
    ) -> None:
        self.tried = asyncio.Event()
        self.name = name
        self._broker = broker
        self._share = share
        self._router = router
        self._translator = translator
        self._intake = intake
        self._links = links
        self._silence = silence
        self._clock = clock
        self._source = f"mqtt:{broker.name}"
        self._lanes: dict[bytes, Lane] = {}
        self._unknown_lanes = 0
        self._lanes_for: tuple[Directory, Share] | None = None
        self._joined: tuple[Flush, Connection] | None = None
        self._mids: list[bytes] = []
        self._messages = metrics.messages.labels(broker.name, name)
        self._foreign = metrics.foreign.labels(broker.name, name)
        self._up_gauge = metrics.session_up.labels(broker.name, name)
        self._waiting_gauge = metrics.waiting.labels(broker.name, name)
        self._pauses = metrics.pauses.labels(broker.name, name)
        self._forgotten = metrics.forgotten.labels(broker.name, name)
        self._is_up: bool | None = None
        self._session = Session(
            broker, client_id=f"{broker.client_id}-{name}", filters=filters, former=router.filters,
            on_publish=self._take, state=self,
        )  # fmt: skip

    @property
    def is_up(self) -> bool:
        """Connected, and every subscription granted."""
        return self._is_up is True

    @property
    def is_down(self) -> bool:
        """Tried, and lost or refused; False while nothing is known yet."""
        return self._is_up is False

    @property
    def settled(self) -> object:
        """What `filters` gave when all of it was granted; None while the session has less."""
        return self._session.settled

    async def run(self) -> None:
        try:
            await self._session.run()
        finally:
            self._is_up = None
            self._up_gauge.set(0)

    # --- what the session tells --------------------------------------------------------------------------------------

    def up(self) -> None:
        if self._is_up is not True:
            log.info("broker session is up", broker=self._broker.name, line=self.name)
        self._is_up = True
        self._up_gauge.set(1)
        self.tried.set()

    def down(self, reason: str) -> None:
        if self._is_up is not False:
            log.error("broker session is down", broker=self._broker.name, line=self.name, reason=reason)
        self._is_up = False
        self._up_gauge.set(0)
        self.tried.set()

    def forgotten(self) -> None:
        self._forgotten.inc()
        log.error(
            "the broker has forgotten our session: what devices said while we were away is lost there",
            broker=self._broker.name, line=self.name,
        )  # fmt: skip

    # --- messages ----------------------------------------------------------------------------------------------------

    def _take(self, connection: Connection, publishes: list[Publish]) -> None:
        self._messages.inc(len(publishes))
        share, now_ms = self._share(), to_ms(self._clock.now())
        lanes, flush = self._current_lanes(share), self._intake.gathering()
        mids, heard, at_once = self._mids_of(flush, connection), set[Lane](), list[bytes]()
        for publish in publishes:
            flags, topic, mid, payload = publish
            lane = lanes.get(topic)
            if lane is not None and not flags & RETAINED and lane.read(payload, flush, now_ms):
                if lane.target is None:
                    at_once.append(mid)
                else:
                    heard.add(lane)
                    mids.append(mid)
            else:
                self._note_heard(heard)  # in the order of arrival: a last will may be next
                if not self._read_generally(connection, publish, flush, mids, share=share, now_ms=now_ms):
                    at_once.append(mid)
        self._note_heard(heard)
        connection.acknowledge([mid for mid in at_once if mid])
        self._intake.send_if_enough()
        self._waiting_gauge.set(connection.unacknowledged)
        if self._intake.is_full and connection.pause():
            self._pauses.inc()
            self._intake.when_room(connection.resume)

    def _mids_of(self, flush: Flush, connection: Connection) -> list[bytes]:
        """Where the numbers of messages go that are to be acknowledged when `flush` is on the bus."""
        if self._joined != (flush, connection):
            self._joined, self._mids = (flush, connection), []
            flush.done.add_done_callback(partial(self._flushed, connection, self._mids))
        return self._mids

    def _flushed(self, connection: Connection, mids: list[bytes], done: asyncio.Future[None]) -> None:
        if done.cancelled():
            return
        if error := done.exception():
            log.error("readings could not be handed on", broker=self._broker.name, line=self.name, error=repr(error))
            connection.give_up(f"readings could not be handed on: {error!r}")
            return
        connection.acknowledge([mid for mid in mids if mid])
        self._waiting_gauge.set(connection.unacknowledged)

    def _current_lanes(self, share: Share) -> dict[bytes, Lane]:
        wanted = (self._router.directory, share)
        if self._lanes_for is None or self._lanes_for[0] is not wanted[0] or self._lanes_for[1] is not share:
            self._lanes, self._lanes_for, self._unknown_lanes = {}, wanted, 0
        return self._lanes

    def _note_heard(self, heard: set[Lane]) -> None:
        for lane in heard:
            if lane.target is not None:
                self._heard(lane.target.entry.equipment_id)
        heard.clear()

    def _heard(self, equipment_id: UUID) -> None:
        self._links.note(equipment_id, True)
        self._silence.heard(equipment_id)

    # --- the general way --------------------------------------------------------------------------------------------

    def _read_generally(
        self, connection: Connection, publish: Publish, flush: Flush, mids: list[bytes], *, share: Share, now_ms: int
    ) -> bool:
        """False when nothing of it is left to be kept: what was refused of it was counted, and that is all."""
        flags, raw_topic, mid, payload = publish
        topic = raw_topic.decode("utf-8", errors="replace")
        self._remember_lane(raw_topic, topic, share)
        message = Message(topic, payload, bool(flags & RETAINED))
        translation = self._translator.translate(message, share=share, now_ms=now_ms)
        for equipment, is_up in translation.links:
            if is_up:
                self._heard(equipment.equipment_id)
            else:
                self._links.note(equipment.equipment_id, False)
        if translation.is_foreign:
            self._foreign.inc()
        flushes = self._intake.add(translation.entries) if translation.entries else []
        unknown = [one for one in translation.unknown if not self._intake.only_counts_unknown(one.device)]
        refusals = [one for one in translation.refusals if not self._only_counts(one.reason, topic)]
        parts = len(flushes) + len(unknown) + len(refusals)
        if not parts:
            return False
        if flushes == [flush] and parts == 1:
            mids.append(mid)
            return True
        acknowledge = partial(connection.acknowledge_soon, mid)
        latch = acknowledge if parts == 1 else _Latch(parts, acknowledge)
        for joined in flushes:
            joined.done.add_done_callback(partial(self._part_flushed, connection, latch))
        self._refuse(message, unknown, refusals, translation.entry, latch)
        return True

    def _only_counts(self, reason: Reason, topic: str) -> bool:
        return self._intake.only_counts(reason, source=self._source, about=topic)

    def _part_flushed(self, connection: Connection, latch: Callable[[], None], done: asyncio.Future[None]) -> None:
        self._flushed(connection, [], done)
        if not done.cancelled() and done.exception() is None:
            latch()

    def _refuse(
        self,
        message: Message,
        unknown: Sequence[UnknownMessage],
        refusals: Sequence[Refusal],
        entry: EquipmentEntry | None,
        latch: Callable[[], None],
    ) -> None:
        """PUBACK comes once all that was refused of the message is kept."""
        for one in unknown:
            self._intake.unknown(one, done=latch)
        for refusal in refusals:
            self._intake.refuse(
                raw=message.payload,
                reason=refusal.reason,
                detail=f"{message.topic}: {refusal.detail}",
                source=self._source,
                about=message.topic,
                site_id=None if entry is None else entry.site_id,
                done=latch,
            )

    def _remember_lane(self, raw_topic: bytes, topic: str, share: Share) -> None:
        if raw_topic in self._lanes:
            return
        routes = self._router.routes(topic)
        device = unknown_device(routes, share)
        if device is not None and self._unknown_lanes < UNKNOWN_LANES_KEPT:
            self._unknown_lanes += 1
            named = ("mqtt", self._broker.name, *device)
            self._lanes[raw_topic] = UnknownLane(partial(self._intake.only_counts_unknown, named))
            return
        lane = lane_of(routes, share)
        if lane is not None and len(self._lanes) < ROUTES_KEPT:
            self._lanes[raw_topic] = lane


class _Latch:
    """Calls `done` when it was called for the last of so many parts."""

    def __init__(self, parts: int, done: Callable[[], None]) -> None:
        self._parts = parts
        self._done = done

    def __call__(self) -> None:
        self._parts -= 1
        if not self._parts:
            self._done()
