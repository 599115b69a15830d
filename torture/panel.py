"""A panel that hears of alarms over MQTT, and elevators that break down until the panel has heard of it."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from torture.ground import Ground
from torture.publisher import SITE

# Few, and slow: WeCom takes 30 messages a minute for one person.
LIFTS = ["LIFT-01", "LIFT-09", "LIFT-17"]
# An alarm that nobody has heard of by then is a breach; kills may come one upon the other meanwhile.
HEARD_WITHIN_S = 120.0
POLL_S = 0.05


class Panel:
    """Keeps every alarm message it ever got; its session outlives the broker's deaths."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()  # transition id → how often it came
        self.transitions: dict[str, list[dict[str, Any]]] = defaultdict(list)  # equipment → its messages
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="torture-panel", clean_session=False)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"site/{SITE}/alarms", qos=1)
        self._client.on_message = self._hear
        self._is_listening = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._client.on_subscribe = self._subscribed

    async def listen(self, *, port: int, username: str, password: str) -> None:
        """Returns once the broker has taken the subscription."""
        self._client.username_pw_set(username, password)
        self._client.connect_async("127.0.0.1", port, keepalive=10)
        self._client.loop_start()
        async with asyncio.timeout(HEARD_WITHIN_S):
            await self._is_listening.wait()

    def _subscribed(self, *_: Any) -> None:
        self._loop.call_soon_threadsafe(self._is_listening.set)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _: Any, __: Any, message: paho.MQTTMessage) -> None:
        body = json.loads(message.payload)
        self.times[body["id"]] += 1
        self.transitions[body["equipment"]].append(body)

    def has_heard(self, equipment: str, *transitions: str, rule: str, since_ms: int) -> bool:
        """Whether one of these transitions came."""
        return any(
            body["transition"] in transitions
            and body["rule"] == rule
            and datetime.fromisoformat(body["event_time"]).timestamp() * 1000 >= since_ms
            for body in list(self.transitions[equipment])
        )


@dataclass
class Breakdowns:
    """What the elevators went through: equipment → the times at which episodes began."""

    began_ms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    not_heard: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    recovery_s: float = 0.0
    """The longest that one waited to be heard without anything being harmed meanwhile."""


class Lift:
    """One elevator with its own account: breaks down, is heard of, works again, is heard of, and so on."""

    RULE = "elevator-fault"

    def __init__(
        self, code: str, ground: Ground, panel: Panel, seen: Breakdowns, *, calm_since_s: Callable[[], float]
    ) -> None:
        self._code = code
        self._panel = panel
        self._seen = seen
        self._calm_since_s = calm_since_s
        self._acknowledged: set[int] = set()
        self._newest_ms = 0
        name = f"{SITE}/{code}"
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"torture-{code}", clean_session=False)
        self._client.username_pw_set(name, ground.mqtt_passwords()[name])
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_publish = lambda _, __, mid, *___: self._acknowledged.add(mid)
        self._port = ground.ports.mqtt

    async def live(self, chance: random.Random, *, until: asyncio.Event) -> None:
        """Whole episodes until told to stop; the last one is finished first."""
        self._client.connect_async("127.0.0.1", self._port, keepalive=10)
        self._client.loop_start()
        try:
            while not until.is_set():
                await self._break_down()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(chance.uniform(2.0, 12.0)):
                        await until.wait()
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    async def _break_down(self) -> None:
        began_ms = await self._say(fault_code=1)
        self._seen.began_ms[self._code].append(began_ms)
        # Muted while the order of the breakdown before is open, and told when that is closed.
        await self._heard("raised", "unsuppressed", since_ms=began_ms)
        ended_ms = await self._say(fault_code=0)
        await self._heard("returned", since_ms=ended_ms)

    async def _say(self, *, fault_code: int) -> int:
        """Returns the reading's time once the broker has it, however often the broker dies meanwhile."""
        self._newest_ms = max(int(time.time() * 1000), self._newest_ms + 1)
        body = {"ts": self._newest_ms, "values": {"service_mode": 1, "fault_code": fault_code}}
        mid = self._client.publish(f"site/{SITE}/device/{self._code}/telemetry", json.dumps(body), qos=1).mid
        while mid not in self._acknowledged:  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(POLL_S)
        return self._newest_ms

    async def _heard(self, *transitions: str, since_ms: int) -> None:
        started = time.monotonic()
        while not self._panel.has_heard(self._code, *transitions, rule=self.RULE, since_ms=since_ms):
            if time.monotonic() - started > HEARD_WITHIN_S:
                self._seen.not_heard.append(f"{self._code} {' or '.join(transitions)} of {since_ms}")
                return
            await asyncio.sleep(POLL_S)
        now = time.monotonic()
        self._seen.longest_s = max(self._seen.longest_s, now - started)
        self._seen.recovery_s = max(self._seen.recovery_s, now - max(started, self._calm_since_s()))
