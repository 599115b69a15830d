"""Tells panels and other systems over MQTT what became of alarms: right after the commit, by a sweep if that failed.

Once a (alarm, transition) as far as a crash between sending and writing that down allows; the message carries the
transition's id for whoever must not hear it twice.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository
from alarms.transition import AlarmTransition
from kit.clock import Clock
from kit.crash_points import CrashPoint, crash_here
from kit.logs import logger

log = logger(__name__)

# The fast way has this long before the sweep takes over, so that the two do not both send.
SWEEP_AFTER_S = 3.0
MESSAGES_A_SWEEP = 500
QUEUE_LIMIT = 5_000
SEND_TIMEOUT_S = 5.0
SENDING_AT_ONCE = 50
# That something was sent is written down this often; killed in between, the sweep sends it again.
MARK_S = 0.5
GOODBYE_S = 2.0


class AlarmPublisher(Protocol):
    """An MQTT client. `publish` returns when the broker has the message (QoS 1), and raises when it does not."""

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None: ...


class AlarmPublication:
    """`offer` after a commit, `run` beside the judge line, `publish_pending` as a sweep every few seconds."""

    def __init__(
        self,
        publisher: AlarmPublisher,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._publisher = publisher
        self._transaction = transaction
        self._clock = clock
        self._queue: asyncio.Queue[AlarmTransition] = asyncio.Queue(QUEUE_LIMIT)
        self._published = Counter("alarms_published", "alarm transitions sent over MQTT", ["way"], registry=registry)
        self._left = Counter(
            "alarms_left_to_sweep", "transitions that the fast way left to the sweep", ["reason"], registry=registry
        )
        self._is_down = False
        # Offered and neither written down as sent nor left to the sweep: the sweep of this process passes these over.
        self._under_way: set[UUID] = set()
        self._sent: list[UUID] = []

    def offer(self, transitions: Sequence[AlarmTransition]) -> None:
        """Never waits: what does not fit is found by the sweep."""
        for transition in transitions:
            try:
                self._queue.put_nowait(transition)
            except asyncio.QueueFull:
                self._left.labels("queue_full").inc()
            else:
                self._under_way.add(transition.id)

    async def run(self) -> None:
        """Sends what was offered until cancelled; that it was sent is written down beside, some at a time."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_offered(), name="alarm messages, fast way")
                group.create_task(self._mark_sent(), name="alarm messages, marks")
        finally:
            # So that an orderly restart sends nothing again.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._mark()

    async def _send_offered(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and len(waiting) < SENDING_AT_ONCE:
                waiting.append(self._queue.get_nowait())
            sent = {transition.id for transition in await self._send(waiting)}
            crash_here(CrashPoint.ALARMS_SENT)
            self._sent += sent
            left = {transition.id for transition in waiting} - sent
            self._left.labels("broker_unreachable").inc(len(left))
            self._under_way -= left

    async def _mark_sent(self) -> None:
        while True:
            await asyncio.sleep(MARK_S)
            await self._mark()

    async def publish_pending(self, session: AsyncSession) -> None:
        """A sweep: sends what nobody sent, oldest first."""
        before = self._clock.now() - timedelta(seconds=SWEEP_AFTER_S)
        rows = await repository.unpublished(session, recorded_before=before, limit=MESSAGES_A_SWEEP)
        pending = [AlarmTransition.of(alarm, entry) for alarm, entry in rows if entry.id not in self._under_way]
        sent: list[AlarmTransition] = []
        for start in range(0, len(pending), SENDING_AT_ONCE):
            part = pending[start : start + SENDING_AT_ONCE]
            done = await self._send(part)
            sent += done
            if len(done) < len(part):
                break
        if sent:
            await repository.mark_published(session, [t.id for t in sent], at=self._clock.now())
            self._published.labels("sweep").inc(len(sent))

    async def _send(self, transitions: Sequence[AlarmTransition]) -> list[AlarmTransition]:
        """Those that the broker took."""
        # What goes alone, as most does, goes at once: a task of its own would wait for the loop's next turn.
        if len(transitions) == 1:
            answers = [await self._send_one(transitions[0])]
        else:
            answers = await asyncio.gather(*map(self._send_one, transitions))
        failures = [answer for answer in answers if answer is not None]
        if failures and not self._is_down:
            log.warning("alarms cannot be published", error=repr(failures[0]))
        elif self._is_down and not failures:
            log.info("alarms are published again")
        self._is_down = bool(failures)
        return [t for t, answer in zip(transitions, answers, strict=True) if answer is None]

    async def _send_one(self, transition: AlarmTransition) -> Exception | None:
        """None, or why the broker has not taken it."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._publisher.publish(transition.topic, transition.payload, qos=1)
        except Exception as error:
            return error
        return None

    async def _mark(self) -> None:
        if not self._sent:
            return
        sent, self._sent = self._sent, []
        try:
            async with self._transaction() as session:
                await repository.mark_published(session, sent, at=self._clock.now())
        except Exception:
            # Unmarked, they are sent once more by the sweep: twice is better than never.
            log.exception("published alarm transitions could not be marked", count=len(sent))
        self._under_way.difference_update(sent)
        self._published.labels("fast").inc(len(sent))
