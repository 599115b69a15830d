"""Neither how readings come, nor a restart, nor a model that fails changes what is found of the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry
from kit.ids import new_id
from predictive.detectors.contract import Arrays, Model, State, Window, stacked
from predictive.detectors.ensemble import Ensemble, Verdict
from predictive.streaming import inbox
from predictive.streaming.checkpoint import checkpoints, restored
from predictive.streaming.cohort import Cohort, Judged, Judging, Member
from predictive.streaming.frames import window_of
from predictive.streaming.shape import Shape, shape_of
from predictive.streaming.shelf import Shelf
from predictive.streaming.stream import Stream
from predictive.training.card import Family, Format, ModelCard, ModelState
from tests.predictive.streaming.makers import MINUTE_MS, SITE_ID, START_MS, entry, point, readings_of

MODEL_ID = new_id()
LATENESS_MS = 30_000
LEARNT_MINUTES = 400
JUDGED_MINUTES = 90
LEARNT_UNTIL_MS = START_MS + LEARNT_MINUTES * MINUTE_MS
END_MS = LEARNT_UNTIL_MS + JUDGED_MINUTES * MINUTE_MS


@dataclass(frozen=True)
class World:
    """Four pumps with three points each; one of them is at fault for the last hour."""

    members: list[Member]
    model: Arrays
    readings: ReadingBatch

    def cohort(self, judging: Judging) -> Cohort:
        return Cohort.begun(judging, list(self.members), dict(self.model), next_ms=LEARNT_UNTIL_MS)

    def shelf(self) -> Shelf:
        shelf = Shelf()
        shelf.put([card([member.equipment_id for member in self.members])], {MODEL_ID: self.model}, fresh_starts={})
        return shelf


@pytest.fixture(scope="module")
def world() -> World:
    members = [_member(first) for first in (1, 11, 21, 31)]
    point_nos = [number for member in members for number in member.shape.point_nos]
    readings = readings_of(point_nos, minutes=LEARNT_MINUTES + JUDGED_MINUTES, seed=3)
    is_odd = (readings.point_no == 11) & (readings.ts_ms > END_MS - 60 * MINUTE_MS)
    readings.value[is_odd] += 60.0
    windows = [
        window_of(member.shape, readings, start_ms=START_MS, end_ms=LEARNT_UNTIL_MS) for member in members
    ]  # fmt: skip
    model = stacked([Ensemble().calibrate(window) for window in windows])
    later = readings.where(readings.ts_ms >= LEARNT_UNTIL_MS)
    return World(members, model, later)


def test_cutting_the_readings_anywhere_and_looking_at_any_time_changes_nothing(world: World) -> None:
    whole = told(run(world, [END_MS]))
    assert any(is_present for *_, is_present in whole)
    assert {equipment for equipment, *_ in whole} == {world.members[1].equipment_id}
    for step_ms in (7_000, 61_000, 25 * MINUTE_MS):
        assert told(run(world, range(LEARNT_UNTIL_MS, END_MS + step_ms, step_ms))) == whole


@pytest.mark.parametrize("minutes", [1, 33, 62, 89])
def test_a_restart_anywhere_changes_nothing(world: World, minutes: int) -> None:
    whole, stop_ms = told(run(world, [END_MS])), LEARNT_UNTIL_MS + minutes * MINUTE_MS + 12_345
    first = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    first.join([world.cohort(Ensemble())])
    before = hand_in(first, world.readings, [stop_ms])
    kept = list(checkpoints(first.cohorts))
    second = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    second.join(restored(kept, {member.key: member for member in world.members}, world.shelf(), Ensemble()))
    assert told(before + hand_in(second, world.readings, [END_MS])) == whole


def test_partitions_part_and_meet_again_without_a_change(world: World) -> None:
    whole = told(run(world, [END_MS]))
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    half_ms = LEARNT_UNTIL_MS + 45 * MINUTE_MS
    judged = hand_in(stream, world.readings, [half_ms])
    gone = stream.leave({member.key for member in world.members[:2]})
    assert len(stream.members()) == 2
    other = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    other.join(gone)
    other.inbox.take_stored(world.readings.where(world.readings.ts_ms < half_ms))
    stream.join(other.leave({member.key for member in world.members[:2]}))
    assert len(stream.cohorts) == 1
    stream.inbox.take_stored(world.readings.where(world.readings.ts_ms < half_ms))
    after = hand_in(stream, world.readings.where(world.readings.ts_ms >= half_ms), [END_MS])
    assert told(judged + after) == whole


def test_what_comes_too_late_is_left_out_and_counted_however_often_it_is_read(world: World) -> None:
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    batch = world.readings.where(world.readings.ts_ms < LEARNT_UNTIL_MS + MINUTE_MS)
    late_ms = LEARNT_UNTIL_MS + MINUTE_MS + LATENESS_MS
    assert stream.inbox.take(batch, arrived_ms=late_ms) == 0
    assert stream.inbox.left_out["late"] == len(batch)
    assert stream.inbox.take(batch, arrived_ms=late_ms - 1) == len(batch)


def test_what_waits_is_bounded_and_the_oldest_is_left_out_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    later = world.readings.where(world.readings.ts_ms >= LEARNT_UNTIL_MS)
    monkeypatch.setattr(inbox, "MOST_PENDING", 50)
    for first in range(0, 120, 20):
        part = later.where((np.arange(len(later)) >= first) & (np.arange(len(later)) < first + 20))
        stream.inbox.take(part, arrived_ms=LEARNT_UNTIL_MS)
    assert len(stream.inbox) == len(stream.inbox.pending()) == 40
    assert stream.inbox.left_out["overflow"] == 80


def test_a_failing_model_is_set_aside_and_the_others_find_what_they_find(world: World) -> None:
    bad = world.members[2]
    alone = replace(world, members=[each for each in world.members if each is not bad], model=_without(world.model, 2))
    stream = Stream(Failing(Ensemble(), value=float(world.model["residual/centre"][2, 0])), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    found = told(hand_in(stream, world.readings, range(LEARNT_UNTIL_MS, END_MS + MINUTE_MS, MINUTE_MS)))
    assert found == told(run(alone, range(LEARNT_UNTIL_MS, END_MS + MINUTE_MS, MINUTE_MS)))
    assert set(stream.failed) == {(bad.equipment_id, MODEL_ID)}
    assert stream.members()[bad.key].model_id is None
    idle = next(cohort for cohort in stream.cohorts if cohort.model is None)
    assert idle.memory["rows_read"][0] > JUDGED_MINUTES // 2


def test_a_score_that_is_no_number_is_nobodys_but_its_own(world: World) -> None:
    stream = Stream(Babbling(Ensemble(), place=0), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    judged = hand_in(stream, world.readings, [LEARNT_UNTIL_MS + 5 * MINUTE_MS])
    assert {equipment for equipment, _ in stream.failed} == {world.members[0].equipment_id}
    assert all(np.isfinite(each.judgement.score).all() for each in judged if each.judgement is not None)


def test_a_new_model_begins_and_what_is_remembered_stays(world: World) -> None:
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    hand_in(stream, world.readings, [LEARNT_UNTIL_MS + 30 * MINUTE_MS])
    newer = new_id()
    wanted = {member.key: replace(member, model_id=newer) for member in world.members}
    shelf = Shelf()
    newest = replace(card([member.equipment_id for member in world.members]), id=newer)
    shelf.put([newest], {newer: world.model}, fresh_starts={})
    [cohort] = restored(list(checkpoints(stream.cohorts)), wanted, shelf, Ensemble())
    assert np.array_equal(cohort.memory["rows_read"], stream.cohorts[0].memory["rows_read"])
    fresh = Ensemble().begin(world.model)
    assert all(np.array_equal(cohort.state[key], fresh[key]) for key in fresh)


def test_a_promoted_shadow_counts_from_then_on(world: World) -> None:
    member, shelf = world.members[0], Shelf()
    shadow = replace(card([one.equipment_id for one in world.members]), state=ModelState.SHADOW)
    shelf.put([shadow], {MODEL_ID: world.model}, fresh_starts={})
    shelf.put([replace(shadow, state=ModelState.CHAMPION)], {}, fresh_starts={})
    held = shelf.of(member.equipment_id, subject=member.shape.subject, is_shadow=False)
    assert held is not None
    assert held.card.id == shadow.id
    assert shelf.of(member.equipment_id, subject=member.shape.subject, is_shadow=True) is None


def test_a_refused_model_leaves_the_one_before_in_its_place_and_a_repair_takes_it_away(world: World) -> None:
    shelf, member = world.shelf(), world.members[0]
    refused = replace(card([one.equipment_id for one in world.members]), id=new_id(), version=2)
    assert shelf.lacks([refused]) == [refused]
    shelf.put([refused], {}, fresh_starts={})
    held = shelf.of(member.equipment_id, subject=member.shape.subject, is_shadow=False)
    assert held is not None
    assert held.card.id == MODEL_ID
    assert shelf.of(member.equipment_id, subject="another", is_shadow=False) is None
    shelf.put([held.card], {}, fresh_starts={member.equipment_id: datetime.now(UTC)})
    assert shelf.of(member.equipment_id, subject=member.shape.subject, is_shadow=False) is None


# --- a world of pumps ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failing:
    """Raises for any block with the equipment whose first point is centred at `value`."""

    real: Ensemble
    value: float

    def begin(self, model: Model) -> State:
        return self.real.begin(model)

    def judge(self, model: Model, state: State, block: Window) -> Verdict:
        if (model["residual/centre"][:, 0] == self.value).any():
            raise ZeroDivisionError("as a defect would")
        return self.real.judge(model, state, block)


@dataclass(frozen=True)
class Babbling:
    real: Ensemble
    place: int

    def begin(self, model: Model) -> State:
        return self.real.begin(model)

    def judge(self, model: Model, state: State, block: Window) -> Verdict:
        verdict = self.real.judge(model, state, block)
        if verdict.score.shape[0] > 3:
            verdict.score[self.place] = np.nan
        return verdict


def run(world: World, looks: Sequence[int] | range) -> list[Judged]:
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([world.cohort(Ensemble())])
    return hand_in(stream, world.readings, looks)


def hand_in(stream: Stream, readings: ReadingBatch, looks: Sequence[int] | range) -> list[Judged]:
    """Each reading arrives when it was taken; somebody looks at `looks`, and long after the last of them."""
    judged: list[Judged] = []
    since_ms = 0
    for until_ms in looks:
        come = readings.where((readings.ts_ms >= since_ms) & (readings.ts_ms < until_ms))
        stream.inbox.take(come, arrived_ms=come.ts_ms, again=True)
        judged += stream.advance(read_until_ms=until_ms)
        since_ms = until_ms
    if since_ms >= END_MS:
        judged += stream.advance(read_until_ms=END_MS + LATENESS_MS)
    return judged


def told(judged: Sequence[Judged]) -> list[tuple[UUID, int, int, float, bool]]:
    return sorted(_told(judged), key=lambda each: (each[1], str(each[0])))


def _told(judged: Sequence[Judged]) -> Iterator[tuple[UUID, int, int, float, bool]]:
    for block in judged:
        for standing in block.said:
            for number, place in enumerate(standing.places.tolist()):
                yield (
                    block.members[place].equipment_id, standing.at_ms, int(standing.since_ms[number]),
                    round(float(standing.confidence[number]), 9), bool(standing.is_present[number]),
                )  # fmt: skip


def card(equipment_ids: Sequence[UUID]) -> ModelCard:
    shape = _member(1).shape
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return ModelCard(
        id=MODEL_ID, site_id=SITE_ID, family=Family.DETECTORS, subject=shape.subject, version=1,
        state=ModelState.CHAMPION, format=Format.ARRAYS, size_bytes=1, sha256="", signature="",
        equipment_ids=tuple(equipment_ids), points=shape.point_keys, step_s=60.0, data_from=now, data_until=now,
        code_version="", parameters={}, metrics={}, run_id=None, made_at=now, state_at=now, state_by=None,
    )  # fmt: skip


def _member(first: int) -> Member:
    made = entry(point(first, "a"), point(first + 1, "b"), point(first + 2, "c"))
    return Member(made.equipment_id, SITE_ID, made.partition, _shape(made), MODEL_ID)


def _shape(made: EquipmentEntry) -> Shape:
    shape = shape_of(made)
    assert shape is not None
    return shape


def _without(model: Arrays, place: int) -> Arrays:
    return {key: np.delete(array, place, axis=0) for key, array in model.items()}
