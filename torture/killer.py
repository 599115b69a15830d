"""Kills one process after the other at instants a seed decides, and times how long the readings are away."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from kit.crash_points import VARIABLE, CrashPoint
from torture.ground import Ground
from torture.harm import Harm, Suffered
from torture.layouts import Layout
from torture.ledger import read
from torture.people import desk
from torture.processes import Service, memory_mb
from torture.publisher import DEVICES

TWO_AT_ONCE = 0.2
LOOK_EVERY_S = 0.1
GIVE_UP_S = 180.0
WITNESS = DEVICES[0]
# What was under way when a harm began may still be acknowledged, but not for that long.
SILENT_S = 4.0


@dataclass
class Toll:
    """`recovery_s`: from a kill to a reading sent after it in the answer of the API, one a kill."""

    kills: Counter[str] = field(default_factory=Counter)
    recovery_s: list[tuple[float, str]] = field(default_factory=list)
    not_reached: list[str] = field(default_factory=list)
    """Places at which a process should have died and to which it never came."""
    suffered: list[Suffered] = field(default_factory=list)
    peak_mb: float = 0.0
    calm_since_s: float = 0.0
    """When the last harm ended, by the monotonic clock."""


class Killer:
    """`kill` so many times. `say` is told of each."""

    def __init__(
        self, ground: Ground, layout: Layout, toll: Toll, *, chance: random.Random, say: Callable[[str], None]
    ) -> None:
        self._ground = ground
        self._layout = layout
        self._toll = toll
        self._chance = chance
        self._say = say

    async def kill(self, times: int, *, names: list[str], longest_calm_s: float) -> None:
        """Sends SIGKILL to `names` in turn, or, without, to whom `drawn` says; waits for recovery after each."""
        witness = Witness(self._ground)
        await witness.has_new(since_ms=int(time.time() * 1000))
        in_turn = ([name] for name in itertools.cycle(names))
        victims = in_turn if names else drawn(list(self._layout.targets), self._chance)
        for number, chosen in enumerate(itertools.islice(victims, times), start=1):
            await asyncio.sleep(self._chance.uniform(0.1, longest_calm_s))
            await self._strike(chosen, number, times, witness.has_new)
            self._toll.peak_mb = max(self._toll.peak_mb, memory_mb(self._layout.processes()))

    async def pause(self, names: Sequence[str], *, seconds: float) -> None:
        """Stops each process for a while (SIGSTOP) and lets it go on as if nothing had been."""
        witness = Witness(self._ground)
        await witness.has_new(since_ms=int(time.time() * 1000))
        for number, name in enumerate(names, start=1):
            pid = await self._pid(name)
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):  # somebody may have ended it for being silent
                os.kill(pid, signal.SIGCONT)
            await self._recover([f"{name} asleep {seconds:.0f} s"], number, len(names), witness.has_new)

    async def suffer(self, harms: Sequence[Harm], *, seconds: float) -> None:
        """Lets the hub suffer each harm for a while; waits for recovery after each."""
        witness = Witness(self._ground)
        await witness.has_new(since_ms=int(time.time() * 1000))
        for number, harm in enumerate(harms, start=1):
            began_ms = int(time.time() * 1000)
            async with harm.on(self._layout):
                await asyncio.sleep(max(0.0, seconds - SILENT_S))
                before = len(read(self._ground.ledger).acknowledged)
                await asyncio.sleep(SILENT_S)
                meanwhile = len(read(self._ground.ledger).acknowledged) - before
            self._toll.suffered.append(Suffered(harm, began_ms, meanwhile))
            await self._recover([f"{harm.name}, {seconds:.0f} s"], number, len(harms), witness.has_new)
            self._toll.peak_mb = max(self._toll.peak_mb, memory_mb(self._layout.processes()))

    async def crash(self, points: Sequence[CrashPoint], *, calm_s: float) -> None:
        """Lets a process die at each of these places, once; waits for recovery after each, and `calm_s` for the desk.

        Each place is two deaths: a hub that never lives for long leaves orders open, and those mute what comes next.
        """
        witness = Witness(self._ground)
        await witness.has_new(since_ms=int(time.time() * 1000))
        for number, point in enumerate(points, start=1):
            await self._crash(self._layout.services[self._layout.place_of(point)], point)
            await self._recover([f"at {point.value}"], number, len(points), witness.has_new)
            await asyncio.sleep(calm_s)

    async def _crash(self, service: Service, point: CrashPoint) -> None:
        service.tell_once({VARIABLE: f"{point.value}:{self._chance.randint(1, 3)}"})
        starts = service.starts
        os.kill(await self._pid(service.name), signal.SIGKILL)
        service.killed += 2  # once by us, once by itself as it was told
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while service.starts < starts + 2:  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            self._toll.not_reached.append(point.value)

    async def _strike(
        self, chosen: list[str], number: int, times: int, has_new: Callable[..., Awaitable[None]]
    ) -> None:
        for name in chosen:
            pid = await self._pid(name)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._toll.kills[name] += 1
            if name in self._layout.services:
                self._layout.services[name].killed += 1
        await self._recover(chosen, number, times, has_new)

    async def _recover(
        self, chosen: list[str], number: int, times: int, has_new: Callable[..., Awaitable[None]]
    ) -> None:
        killed, self._toll.calm_since_s = time.time(), time.monotonic()
        with contextlib.suppress(TimeoutError):  # then it took longer than any limit, and the next kill may help
            await has_new(since_ms=int(killed * 1000))
        took_s = time.time() - killed
        self._toll.recovery_s.append((took_s, " + ".join(chosen)))
        self._say(f"{number:>4}/{times} {' + '.join(chosen):<28} readings flow again after {took_s:5.1f} s")

    async def _pid(self, name: str) -> int:
        async with asyncio.timeout(GIVE_UP_S):
            while (pid := self._layout.targets[name]()) is None:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(LOOK_EVERY_S)
            return pid


def drawn(names: Sequence[str], chance: random.Random) -> Iterator[list[str]]:
    """Whom to kill, endlessly: first each of them alone, so that none is left out, then one or two of all."""
    for name in chance.sample(names, len(names)):
        yield [name]
    while True:
        yield chance.sample(names, 2 if chance.random() < TWO_AT_ONCE else 1)


class Witness:
    """Somebody at the desk who looks at one detector's newest value."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def has_new(self, *, since_ms: int) -> None:
        """Returns once the API answers with a reading sent later. Raises TimeoutError at last."""
        async with asyncio.timeout(GIVE_UP_S):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    async with desk(self._ground, "tester") as client:
                        await self._watch(client, since_ms=since_ms)
                        return
                await asyncio.sleep(LOOK_EVERY_S)

    async def _watch(self, client: httpx.AsyncClient, *, since_ms: int) -> None:
        found = await client.get("/equipment", params={"q": WITNESS})
        found.raise_for_status()
        equipment = found.json()["items"][0]["id"]
        while True:
            answer = await client.get("/points/latest", params={"equipment": equipment}, timeout=3.0)
            answer.raise_for_status()
            times = [_ms(point["ts"]) for point in answer.json() if point["key"] == "temperature_c" and point["ts"]]
            if times and max(times) > since_ms:
                return
            await asyncio.sleep(LOOK_EVERY_S)


def _ms(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * 1000
