"""A model of the way from a reading to a work order, against a dict: whatever happens in between, and whenever."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, InhibitionKind
from alarms.transition import TransitionKind
from kit.access import Role, Scope
from kit.clock import to_ms
from rules.rule_set import hold_ms
from tests.conftest import DatabasePool
from tests.faults.hub_in_hand import HubInHand, hub_in_hand
from tests.faults.oracle import OracleRule, episodes
from tests.ticketing.town import NOON
from ticketing import repository as orders
from ticketing.flow import Action
from ticketing.models import Incident, WorkOrder
from ticketing.words import Words

T = TypeVar("T")

PUMP, SMOKE, LIFT = "PUMP-01", "SMOKE-01", "LIFT-01"
HOT = {"key": "hot", "profile": "grundfos-cim-pump", "when": "bearing_temp_c > 75", "fault_mode": "bearing_wear",
       "order": {"kind": "repair", "priority": 2}}  # fmt: skip
SHAKING = {"key": "shaking", "profile": "grundfos-cim-pump", "when": "vibration_mm_s > 4",
           "clear": "vibration_mm_s < 3", "for": "8s", "fault_mode": "imbalance",
           "order": {"kind": "repair", "priority": 3}}  # fmt: skip
STUFFY = {"key": "stuffy", "profile": "gb24476-elevator", "when": "machine_room_temp_c > 35",
          "fault_mode": "overheating", "order": {"kind": "repair", "priority": 3}}  # fmt: skip
BURNING = {"key": "burning", "profile": "nbiot-smoke", "when": "smoke", "life_safety": True, "severity": "critical",
           "fault_mode": "smoke_detected", "order": {"kind": "smoke", "priority": 1}}  # fmt: skip
VALUES = {"bearing_temp_c": [40.0, 80.0], "vibration_mm_s": [1.0, 3.5, 6.0]}
WARMTH, COOL, HOT_ROOM = "machine_room_temp_c", 25.0, 45.0
TWO_HOURS_S = 7_200
# Beside a hub that is two hours off itself, within the three hours that a reading may take and still be judged.
OFF_S = (-3_000, -30, 30)
SEEDS = st.integers(0, 2**32)


class HubModel(RuleBasedStateMachine):
    """`said` is the dict: point key → time → value, as the devices said it. `true_ms` is the pump's clock, which is
    right; the hub's may be two hours off. The elevator's is off by `lift_off_ms`, always alike."""

    pool: DatabasePool

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.url = self.pool.take()
        self.folder = Path(tempfile.mkdtemp(prefix="model"))
        self.said: dict[str, dict[int, float]] = {key: {} for key in (*VALUES, WARMTH)}
        self.lift_off_ms = 0
        self.warmth = COOL
        self.smoke_said: dict[int, float] = {}
        self.smoke_now = 0.0
        self.true_ms = to_ms(NOON)
        self.step_s = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(seed=SEEDS, lift_off_s=st.sampled_from(OFF_S))
    def begin(self, seed: int, lift_off_s: int) -> None:
        self.chance = random.Random(seed)
        self.lift_off_ms = lift_off_s * 1000
        self.opened = hub_in_hand(self.url, self.folder, [HOT, SHAKING, STUFFY, BURNING], chance=self.chance)
        self.hub: HubInHand = self.run(self.opened.__aenter__())
        for key in VALUES:
            self.say(key, VALUES[key][0])
        self.let_pass(1)

    # --- what devices do -----------------------------------------------------------------------------------------

    @rule(key=st.sampled_from(sorted(VALUES)), which=st.integers(0, 2), after_s=st.integers(1, 6))
    def publish(self, key: str, which: int, after_s: int) -> None:
        self.say(key, VALUES[key][which % len(VALUES[key])])
        self.let_pass(after_s)

    @rule(key=st.sampled_from(sorted(VALUES)), which=st.integers(0, 2), back_s=st.integers(2, 110))
    def delay(self, key: str, which: int, back_s: int) -> None:
        """A reading from before comes only now."""
        ts_ms = self.true_ms - back_s * 1000 + 500
        if ts_ms > to_ms(NOON) and ts_ms not in self.said[key]:
            self.say(key, VALUES[key][which % len(VALUES[key])], ts_ms=ts_ms)

    @rule(seed=SEEDS)
    def duplicate(self, seed: int) -> None:
        chance, key = random.Random(seed), sorted(self.said)[seed % len(self.said)]
        its_ms = self.true_ms + (self.lift_off_ms if key == WARMTH else 0)
        recent = [ts for ts in self.said[key] if ts > its_ms - 110_000]
        if recent:
            ts_ms = chance.choice(recent)
            self.run(self.hub.publish(whose(key), key, ts_ms=ts_ms, value=self.said[key][ts_ms]))

    @rule(warmth=st.sampled_from([COOL, HOT_ROOM]))
    def warm(self, warmth: float) -> None:
        """What the elevator says from now on, as often as time passes."""
        self.warmth = warmth

    @rule(value=st.sampled_from([0.0, 1.0]), off_s=st.sampled_from([0, -100_000, -30, 30, 5_000]))
    def smell(self, value: float, off_s: int) -> None:
        """A smoke detector with any clock."""
        self.let_pass(1)
        ts_ms = self.true_ms + off_s * 1000
        self.run(self.hub.publish(SMOKE, "smoke", ts_ms=ts_ms, value=value))
        self.smoke_now = value

    # --- what the hub's processes do -----------------------------------------------------------------------------

    @rule(most=st.integers(1, 20))
    def store(self, most: int) -> None:
        self.run(self.hub.store_turn(most=most))

    @rule(most=st.integers(1, 20), forget=st.booleans())
    def judge(self, most: int, forget: bool) -> None:
        self.run(self.hub.judge_turn(most=most, forget_answers=forget))

    @rule()
    def tick(self) -> None:
        self.run(self.hub.tick())

    @rule()
    def lose_a_delivery(self) -> None:
        self.run(self.hub.lose_a_delivery())

    @rule()
    def crash(self) -> None:
        self.hub.crash_judge()

    @rule()
    def restart(self) -> None:
        self.hub.crash_judge()
        self.run(self.hub.restart_store())

    @rule(times=st.integers(1, 2))
    def work_off_jobs(self, times: int) -> None:
        self.run(self.hub.town.deliver(times=times))

    @rule(step_s=st.sampled_from([-TWO_HOURS_S, 0, TWO_HOURS_S]))
    def clock(self, step_s: int) -> None:
        """The hub's clock, and its bus's, are set to be right, or two hours off."""
        self.hub.town.clock.advance(seconds=step_s - self.step_s)
        self.step_s = step_s

    # --- what people do --------------------------------------------------------------------------------------------

    @rule(seed=SEEDS)
    def acknowledge(self, seed: int) -> None:
        waiting = [a for a in self.run(self.alarms()) if a.state in (AlarmState.UNACKED, AlarmState.RTN_UNACKED)]
        if waiting:
            chosen = random.Random(seed).choice(waiting)
            self.run(self.on_alarm("acknowledge", chosen.id, actor=None))

    @rule(seed=SEEDS, minutes=st.sampled_from([1, 30]))
    def shelve(self, seed: int, minutes: int) -> None:
        open_ones = [a for a in self.run(self.alarms()) if a.state != AlarmState.NORMAL and not a.life_safety]
        if open_ones:
            chosen = random.Random(seed).choice(open_ones)
            span = timedelta(minutes=minutes)
            self.run(self.on_alarm("shelve", chosen.id, span=span, actor=None, note="试验"))

    @rule()
    def take_off_the_shelf(self) -> None:
        for alarm in self.run(self.alarms()):
            if alarm.suppressed_by == InhibitionKind.SHELVED and alarm.state != AlarmState.NORMAL:
                self.run(self.on_alarm("unshelve", alarm.id, actor=None))

    @rule()
    def sweep(self) -> None:
        self.run(self.lift())

    @rule(seed=SEEDS)
    def close(self, seed: int) -> None:
        """Somebody cancels an open repair: the manager's shortest way to the end of an order."""
        repairs = [order for order in self.run(self.hub.town.orders()) if order.kind == "repair"]
        still_open = [order for order in repairs if order.state not in ("closed", "cancelled")]
        if still_open:
            chosen = random.Random(seed).choice(still_open)
            manager = self.hub.town.actor("manager", Role.MANAGER)
            words = Words(reason="试验")
            self.run(self.hub.town.act(chosen.id, manager, Action.CANCEL, words))

    # --- what must be true at any time -------------------------------------------------------------------------------

    @invariant()
    def one_open_incident_a_matter(self) -> None:
        if hasattr(self, "hub"):
            assert self.run(self.doubled_incidents()) == []

    def teardown(self) -> None:
        try:
            if hasattr(self, "hub"):
                self.finish()
        finally:
            if hasattr(self, "hub"):
                self.run(self.opened.__aexit__(None, None, None))
            self.runner.close()
            self.pool.give_back(self.url)
            shutil.rmtree(self.folder, ignore_errors=True)

    def finish(self) -> None:
        """Everything is well again: then nothing is lost, nothing is there twice, and the books are right."""
        self.clock(0)
        for key in VALUES:
            self.say(key, VALUES[key][0])
        self.warm(COOL)
        self.let_pass(10)
        self.run(self.hub.settle())
        self.run(self.lift())
        self.run(self.hub.town.deliver())
        assert self.run(self.stored()) == {key: dict(sorted(said.items())) for key, said in self.said.items()}
        assert self.run(self.booked()) == self.expected()
        self.run(self.check_alarms())

    def expected(self) -> dict[tuple[str, int], int | None]:
        points = self.hub.entry(PUMP).points
        rules = [
            OracleRule("hot", "bearing_temp_c", 75, 75.0001, 0, hold_ms(points["bearing_temp_c"].reporting)),
            OracleRule("shaking", "vibration_mm_s", 4, 3, 8_000, hold_ms(points["vibration_mm_s"].reporting)),
            OracleRule("stuffy", WARMTH, 35, 35.0001, 0, hold_ms(self.hub.entry(LIFT).points[WARMTH].reporting)),
        ]
        return {
            (each.key, onset): end for each in rules for onset, end in episodes(each, self.said[each.point]).items()
        }

    # --- inside ----------------------------------------------------------------------------------------------------

    def say(self, key: str, value: float, *, ts_ms: int | None = None) -> None:
        ts_ms = self.true_ms if ts_ms is None else ts_ms
        self.said[key][ts_ms] = value
        self.run(self.hub.publish(whose(key), key, ts_ms=ts_ms, value=value))

    def let_pass(self, seconds: int) -> None:
        """The elevator is never silent for long: who is, and is then far ahead of the hub, is taken for one whose clock
        jumped."""
        self.true_ms += seconds * 1000
        self.hub.town.clock.advance(seconds=seconds)
        self.say(WARMTH, self.warmth, ts_ms=self.true_ms + self.lift_off_ms)

    async def on_alarm(self, what: str, alarm_id: UUID, **words: Any) -> None:
        service: Any = self.hub.town.alarms
        act: Callable[..., Coroutine[Any, Any, Alarm]] = getattr(service, what)
        async with self.hub.town.database.transaction() as session:
            await act(session, Scope.everywhere(), alarm_id, **words)

    async def lift(self) -> None:
        async with self.hub.town.database.transaction() as session:
            await self.hub.town.alarms.lift_suppression(session)

    async def alarms(self) -> list[Alarm]:
        async with self.hub.town.database.transaction() as session:
            return list((await session.scalars(select(Alarm).order_by(Alarm.raised_at, Alarm.id))).all())

    async def doubled_incidents(self) -> list[str]:
        async with self.hub.town.database.transaction() as session:
            open_ones = select(Incident.key).where(Incident.closed_at.is_(None))
            query = open_ones.group_by(Incident.site_id, Incident.key).having(func.count() > 1)
            return list((await session.scalars(query)).all())

    async def stored(self) -> dict[str, dict[int, float]]:
        found: dict[str, dict[int, float]] = {}
        for key in self.said:
            point_no = self.hub.entry(whose(key)).points[key].point_no
            batch = await self.hub.store.raw([point_no], start_ms=0, end_ms=self.true_ms + 86_400_000, limit=100_000)
            found[key] = dict(zip(batch.ts_ms.tolist(), batch.value.tolist(), strict=True))
            assert len(found[key]) == len(batch), "a reading is there twice"
        return found

    async def booked(self) -> dict[tuple[str, int], int | None]:
        """Episodes of the pump and the elevator, without those that were taken back."""
        ordinary = [self.hub.town.equipment[code] for code in (PUMP, LIFT)]
        async with self.hub.town.database.transaction() as session:
            rows = await session.scalars(select(AlarmEpisode).where(AlarmEpisode.equipment_id.in_(ordinary)))
            ends = {(row.source_id, row.onset_ms): _ms(row.ended_at) for row in rows}
        return {key: end for key, end in ends.items() if end is None or end > key[1]}

    async def check_alarms(self) -> None:
        """Each alarm's history is one that its state machine allows; each call for work became work; smoke is heard."""
        burning = False
        for alarm in await self.alarms():
            burning |= alarm.source_id == "burning" and alarm.is_present and alarm.suppressed_by is None
            async with self.hub.town.database.transaction() as session:
                history = await self.hub.town.alarms.history(session, Scope.everywhere(), alarm.id)
                links = await orders.links_of_alarm(session, alarm.id)
            announced = any(line.kind == TransitionKind.RAISED for line in history)
            assert bool(links) or not announced, f"{alarm.source_id}: announced, and nobody works on it"
            assert [line.before for line in history[1:]] == [line.after for line in history[:-1]]
            assert history[-1].after == alarm.state
        assert burning == (self.smoke_now == 1.0)
        async with self.hub.town.database.transaction() as session:
            counted = await session.scalar(select(func.count()).select_from(WorkOrder))
        assert (counted or 0) <= sum(alarm.episodes for alarm in await self.alarms())


def test_whatever_happens_between_a_reading_and_its_order_the_books_are_right(database_pool: DatabasePool) -> None:
    play(database_pool, examples=8, steps=20)


def test_what_the_store_has_of_a_device_with_a_slow_clock_is_no_past_of_what_is_still_to_be_judged(
    database_pool: DatabasePool,
) -> None:
    """Found by the long story: the end of an alarm was told ten seconds late after the judge was started anew."""
    model = type("HubModel", (HubModel,), {"pool": database_pool})()
    model.begin(seed=0, lift_off_s=min(OFF_S))
    model.warm(HOT_ROOM)
    model.let_pass(1)
    model.warm(COOL)
    model.judge(most=20, forget=True)
    model.let_pass(1)
    model.teardown()  # where everything is compared


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_whatever_happens_for_many_hundreds_of_stories(database_pool: DatabasePool) -> None:
    play(database_pool, examples=600, steps=60)


def play(pool: DatabasePool, *, examples: int, steps: int) -> None:
    machine = type("HubModel", (HubModel,), {"pool": pool})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def whose(key: str) -> str:
    return LIFT if key == WARMTH else PUMP


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)
