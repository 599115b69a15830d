"""One trial: devices, owners and a desk at work, a process killed every few seconds, and the reckoning at the end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from kit.crash_points import CrashPoint
from torture import people
from torture.ground import Ground
from torture.harm import Harm
from torture.killer import Killer, Toll
from torture.layouts import Layout, LayoutName, running
from torture.ledger import Account, Kind, read
from torture.oracle import Findings, examine
from torture.panel import LIFTS, Breakdowns, Lift, Panel

PANEL = "panel"
LAST_WORDS_S = 30.0


@dataclass(frozen=True)
class Plan:
    """`names`: kill these in turn; empty: whatever the seed says.

    Before the kills come `points`, places to die at, `pauses`, processes to stop for `pause_s` each, and `harms`, to be
    suffered for `harm_s` each.
    """

    kills: int
    seed: int
    rate: float
    recover_within_s: float
    memory_mb: float
    names: Sequence[str] = ()
    points: Sequence[CrashPoint] = ()
    pauses: Sequence[str] = ()
    pause_s: float = 15.0
    harms: Sequence[Harm] = ()
    harm_s: float = 20.0
    longest_calm_s: float = 6.0
    """Before each kill, at most; after each place, exactly."""


@dataclass
class Outcome:
    layout: LayoutName
    toll: Toll
    findings: Findings
    took_s: float
    starts: dict[str, int]
    own_ends: dict[str, int]
    longest_alarm_s: float
    alarm_recovery_s: float


@dataclass
class Life:
    """What goes on around the hub, across several trials on the same ground."""

    seen: Breakdowns = field(default_factory=Breakdowns)
    heard: people.Heard = field(default_factory=people.Heard)
    panel: Panel | None = None


async def try_out(name: LayoutName, ground: Ground, life: Life, plan: Plan, *, say: Callable[[str], None]) -> Outcome:
    """The hub in that layout through so many kills; what was found when all was quiet again."""
    chance, toll, started = random.Random(f"{plan.seed} {name}"), Toll(), time.monotonic()
    async with running(name, ground, rate=plan.rate, chance=chance) as layout:
        # Before anything happens that it would miss.
        life.panel = await _panel(name, ground, life.panel)
        life.seen.longest_s = life.seen.recovery_s = 0.0
        async with layout.services["publisher"].kept():
            async with _life(ground, life, life.panel, toll, chance):
                killer = Killer(ground, layout, toll, chance=chance, say=say)
                await killer.crash(plan.points, calm_s=plan.longest_calm_s)
                await killer.pause(plan.pauses, seconds=plan.pause_s)
                await killer.suffer(plan.harms, seconds=plan.harm_s)
                await killer.kill(plan.kills, names=list(plan.names), longest_calm_s=plan.longest_calm_s)
            account = await _hush(layout, ground)
        findings = await examine(
            ground, account=account, seen=life.seen, panel=life.panel, heard=life.heard, suffered=toll.suffered
        )
        judge_toll(findings, toll, plan)
        judge_alarms(findings, life.seen, plan)
        life.panel.stop()
        services = layout.services.values()
        return Outcome(
            name, toll, findings, time.monotonic() - started,
            {service.name: service.starts for service in services},
            {service.name: service.own_ends for service in services if service.own_ends},
            life.seen.longest_s, life.seen.recovery_s,
        )  # fmt: skip


@asynccontextmanager
async def _life(ground: Ground, life: Life, panel: Panel, toll: Toll, chance: random.Random) -> AsyncIterator[None]:
    """Owners, elevators and a desk, until the block ends; then each finishes what it began, the desk last.

    An elevator's open order mutes its next breakdown: one that nobody closes would leave that one unheard.
    """
    ending, closing = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as staff:
        staff.create_task(people.answer_at_the_desk(ground, life.heard, until=closing), name="desk")
        staff.create_task(people.collect(ground, life.heard, until=closing), name="messages")
        async with asyncio.TaskGroup() as group:
            for code in LIFTS:
                lift = Lift(code, ground, panel, life.seen, calm_since_s=lambda: toll.calm_since_s)
                group.create_task(lift.live(random.Random(chance.random()), until=ending), name=code)
            group.create_task(people.report(ground, life.heard, chance, until=ending), name="owners")
            try:
                yield
            finally:
                ending.set()
        closing.set()


async def _panel(name: LayoutName, ground: Ground, before: Panel | None) -> Panel:
    """Listens at the layout's broker; what was heard at another one is remembered."""
    panel = Panel()
    if before is not None:
        panel.times, panel.transitions = before.times, before.transitions
    username, password = (PANEL, PANEL) if name is LayoutName.SPLIT else await _panel_account(ground)
    await panel.listen(port=ground.ports.mqtt, username=username, password=password)
    return panel


async def _panel_account(ground: Ground) -> tuple[str, str]:
    """A panel's account at the hub's own listener, made through the API."""
    async with people.desk(ground, "admin") as client:
        sites = await client.get("/sites")
        sites.raise_for_status()
        body = {"site_id": sites.json()[0]["id"], "kind": PANEL, "name": f"torture-{time.time_ns()}"}
        made = await client.post("/mqtt-credentials", json=body)
        if made.status_code != httpx.codes.CREATED:
            raise RuntimeError(f"no account for the panel: {made.text}")
        found = made.json()
    return str(found["name"]), str(found["password"])


async def _hush(layout: Layout, ground: Ground) -> Account:
    """Lets the publisher's last words be acknowledged, then stops it; the whole ledger."""
    deadline = time.monotonic() + LAST_WORDS_S
    while time.monotonic() < deadline:
        account = read(ground.ledger)
        if all(message.seq in account.acknowledged for message in account.of_kind(Kind.SMOKE)):
            break
        await asyncio.sleep(0.5)
    await layout.services["publisher"].end()
    return read(ground.ledger)


def judge_toll(findings: Findings, toll: Toll, plan: Plan) -> None:
    slow = [f"{took_s:.1f} s after {name}" for took_s, name in toll.recovery_s if took_s > plan.recover_within_s]
    findings.expect(not slow, f"{len(slow)} recoveries took over {plan.recover_within_s:.0f} s: {slow[:5]}")
    findings.counts |= {
        f"acknowledged in the last seconds of {each.harm.name}": each.acknowledged for each in toll.suffered
    }
    loud = [each.harm.name for each in toll.suffered if each.harm.is_silencing and each.acknowledged]
    findings.expect(not loud, f"devices were acknowledged although nothing could be written: {loud}")
    findings.expect(not toll.not_reached, f"no process came to {toll.not_reached}")
    findings.expect(
        toll.peak_mb <= plan.memory_mb, f"memory rose to {toll.peak_mb:.0f} MB, over {plan.memory_mb:.0f} MB"
    )


def judge_alarms(findings: Findings, seen: Breakdowns, plan: Plan) -> None:
    findings.expect(
        seen.recovery_s <= plan.recover_within_s,
        f"an elevator's alarm was on the panel only {seen.recovery_s:.1f} s after the harm before it, over "
        f"{plan.recover_within_s:.0f} s",
    )
