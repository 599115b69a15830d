"""The hub's line from the bus to work orders, driven step by step: real PostgreSQL, real store, a bus in memory.

Nothing runs by itself. Whoever drives it says when the store line, the judge line, the clock and the jobs take a turn,
and may drop all of a process's memory between any two of them.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from building.reading import Reading, ReadingBatch
from building.severity import Severity
from bus.lease import Lease, LeaseChange, PartitionLeases
from catalog.directory import EquipmentEntry
from catalog.profiles import load_profiles
from hub.judge_line import JudgeLine, build_judge_line
from kit.access import Scope
from kit.db import Database
from kit.events import RecordingOutbox
from kit.i18n import Language, Texts
from kit.ids import new_id
from people.models import Person
from rules.schemas import RuleDefinition
from rules.service import RuleService
from telemetry.duckdb_store import DuckDbStore
from telemetry.store_line import ReadingSource, StoreLine
from tests.faults.fake_bus import FakeBus
from tests.ticketing.town import ROOT, Town, settled, staff_up

MESSAGES = 100


class SoleOwner:
    """Leases of the only judge there is."""

    def __init__(self) -> None:
        self._held: dict[int, int] = {}

    async def rebalance(self, wanted: Any) -> LeaseChange:
        gained = tuple(Lease(partition, 1) for partition in sorted(set(wanted) - self._held.keys()))
        self._held |= {lease.partition: lease.epoch for lease in gained}
        return LeaseChange(gained=gained)

    def held(self) -> Mapping[int, int]:
        return self._held

    async def release(self, lease: Lease) -> None:
        self._held.pop(lease.partition, None)

    async def check(self, session: AsyncSession, epochs: Mapping[int, int]) -> "SoleOwner":
        """Nobody else is there."""
        return self

    async def confirm(self) -> None:
        """Nothing here is paused in a transaction."""


class Panel:
    """A broker that takes every alarm."""

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        pass


@dataclass
class HubInHand:
    town: Town
    bus: FakeBus
    rules: RuleService
    folder: Path
    store: DuckDbStore
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    judge: JudgeLine | None = None

    # --- devices -------------------------------------------------------------------------------------------------

    def entry(self, code: str) -> EquipmentEntry:
        return self.town.alarms._directory.current.by_id[self.town.equipment[code]]

    async def publish(self, code: str, key: str, *, ts_ms: int, value: float) -> None:
        point = self.entry(code).points[key]
        batch = ReadingBatch.of([Reading(point.point_no, ts_ms, value)])
        await self.bus.publish(self.entry(code).partition, batch, life_safety=point.life_safety)

    # --- a turn of each line ---------------------------------------------------------------------------------------

    async def store_turn(self, *, most: int = MESSAGES) -> None:
        """What a store process does with what it is given; then it is gone."""
        line = StoreLine(
            bus=cast(ReadingSource, _OneFetch(self.bus, most)),
            store=self.store,
            directory=self.town.alarms._directory,
            refuse=_refuse,
            registry=CollectorRegistry(),
        )
        for life_safety in (False, True):
            await line._consume(life_safety=life_safety)

    async def judge_turn(self, *, most: int = MESSAGES, forget_answers: bool = False) -> None:
        """Judges one fetch of each line. `forget_answers`: it is killed after the commit, before the answer."""
        line = await self._judging()
        for life_safety in (True, False):
            consuming = self.bus.consume(
                durable="judge",
                partitions=sorted(line._judges[life_safety].marks),
                life_safety=life_safety,
                max_messages=most,
            )
            async with aclosing(consuming) as pages:
                fetched = await anext(pages)
            await line._handle(fetched, life_safety=life_safety)
        if forget_answers:
            self.crash_judge()

    async def lose_a_delivery(self) -> None:
        """The judge is given something that never reaches it: a connection that broke."""
        line = await self._judging()
        for life_safety in (True, False):
            partitions = sorted(line._judges[life_safety].marks)
            lost = self.bus.consume(durable="judge", partitions=partitions, life_safety=life_safety, max_messages=2)
            async with aclosing(lost) as pages:
                await anext(pages)
        self.bus.lose_answers()

    async def tick(self) -> None:
        line = await self._judging()
        for life_safety in (True, False):
            await line._tick(life_safety)

    def crash_judge(self) -> None:
        """Everything the judge had in memory is gone, and what it was given comes again."""
        self.judge = None
        self.bus.lose_answers()

    async def restart_store(self) -> None:
        await self.store.__aexit__(None, None, None)
        self.bus.lose_answers()
        self.store = DuckDbStore(self.folder, clock=self.town.clock)
        await self.store.__aenter__()

    async def settle(self) -> None:
        """Lets every line, job and clock take turns until nothing is left to do."""
        for durable, partition in [("store", None), *(("judge", p) for p in self._partitions())]:
            for life_safety in (False, True):
                while await self.bus.pending(durable=durable, partition=partition, life_safety=life_safety):
                    self.bus.lose_answers()
                    await (self.store_turn() if durable == "store" else self.judge_turn())
        await self.tick()
        await self.town.deliver()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _partitions(self) -> list[int]:
        return sorted(self.town.alarms._directory.current.partitions)

    async def _judging(self) -> JudgeLine:
        if self.judge is None:
            self.judge = build_judge_line(
                database=self.town.database, bus=cast(Any, self.bus), leases=cast(PartitionLeases, SoleOwner()),
                alarms=self.town.alarms, rules=self.rules, queries=self.store, publisher=Panel(),
                directory=self.town.alarms._directory, clock=self.town.clock, registry=CollectorRegistry(),
            )  # fmt: skip
            await self.judge._follow()
        return self.judge


class _OneFetch:
    """A bus that gives what it has once."""

    def __init__(self, bus: FakeBus, most: int) -> None:
        self._bus = bus
        self._most = most

    async def consume(self, **wanted: Any) -> AsyncIterator[Any]:
        async with aclosing(self._bus.consume(**(wanted | {"max_messages": self._most}))) as pages:
            yield await anext(pages)


async def _refuse(**letter: Any) -> None:
    raise AssertionError(f"nothing in the model is refused: {letter}")


@asynccontextmanager
async def hub_in_hand(
    database_url: str, folder: Path, rules: list[dict[str, Any]], *, chance: random.Random
) -> AsyncIterator[HubInHand]:
    """A town with these rules and nobody judging yet."""
    outbox = RecordingOutbox()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(database_url))
        database.use_outbox(outbox)
        town = await stack.enter_async_context(settled(database, outbox, folder / "files"))
        await staff_up(town)
        profiles = load_profiles(ROOT / "device_adapters" / "profiles")
        service = RuleService(profiles, town.alarms._directory, Texts.load(["kit", "rules", "alarms"]), town.clock)
        await add_rules(town, service, rules)
        store = await stack.enter_async_context(DuckDbStore(folder / "telemetry", clock=town.clock))
        hub = HubInHand(town, FakeBus(town.clock, chance=chance), service, folder / "telemetry", store)
        try:
            yield hub
        finally:
            if hub.store is not store:
                await hub.store.__aexit__(None, None, None)


async def add_rules(town: Town, service: RuleService, rules: list[dict[str, Any]]) -> None:
    author = Person(id=new_id(), kind="staff", name="王经理")
    async with town.database.transaction() as session:
        session.add(author)
        await session.flush()
        for rule in rules:
            names = {name: dict.fromkeys(Language, rule["key"]) for name in ("name", "message")}
            definition = RuleDefinition.model_validate({"severity": Severity.MAJOR, **names, **rule})
            await service.add(session, Scope.everywhere(), definition, enabled=True, author=author.id)
