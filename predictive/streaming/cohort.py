"""Equipment of one subject that is judged together: one model array, one state array, one frame a block.

A model that fails is found by halving, set aside, and the others go on.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias
from uuid import UUID

import numpy as np

from building.reading import ReadingBatch
from predictive.detectors.contract import Arrays, Floats, Integers, Model, State, Window, stacked, taken
from predictive.streaming import memory
from predictive.streaming.frames import Layout, hold, rows
from predictive.streaming.memory import Flags, Judgement, Standing
from predictive.streaming.shape import Shape

# So many cells of a frame are judged at once: some ten arrays of this size are alive meanwhile.
MOST_CELLS: Final = 1_000_000

Signature: TypeAlias = tuple[str, bool, tuple[tuple[str, str, tuple[int, ...]], ...]]
OnFailure: TypeAlias = Callable[["Member", str], None]


class Judging(Protocol):
    """`predictive.detectors.ensemble.Ensemble`, or another with its words."""

    def begin(self, model: Model) -> State: ...

    def judge(self, model: Model, state: State, block: Window) -> "Spoken": ...


class Spoken(Protocol):
    """What is used of a verdict: float64[E, T], and [E, T, P] for the shares."""

    @property
    def score(self) -> Floats: ...
    @property
    def confidence(self) -> Floats: ...
    @property
    def is_anomaly(self) -> Flags: ...
    @property
    def shares(self) -> Floats: ...


@dataclass(frozen=True)
class Member:
    """An equipment in the line. `model_id` None: nothing learnt yet. `is_shadow`: its model is only measured."""

    equipment_id: UUID
    site_id: UUID
    partition: int
    shape: Shape
    model_id: UUID | None = None
    is_shadow: bool = False

    @property
    def key(self) -> tuple[UUID, bool]:
        return self.equipment_id, self.is_shadow


@dataclass(frozen=True, eq=False)
class Judged:
    """A block of one cohort. `judgement` is None where nothing is learnt yet. `names`: (equipment, site) of each."""

    members: Sequence[Member]
    names: tuple[tuple[UUID, UUID], ...]
    window: Window
    judgement: Judgement | None
    said: Sequence[Standing]

    @property
    def is_read(self) -> Flags:
        """bool[E, T]: in which rows anything was read."""
        return np.asarray(~np.isnan(self.window.values).all(axis=2))


@dataclass(eq=False)
class Cohort:
    """`next_ms`: where the first row begins that has not been judged. `model` None: its members only learn."""

    members: list[Member]
    model: Arrays | None
    state: Arrays
    memory: Arrays
    next_ms: int
    layout: Layout = field(init=False)
    names: tuple[tuple[UUID, UUID], ...] = field(init=False)

    def __post_init__(self) -> None:
        self.layout = Layout.of([member.shape for member in self.members])
        self.names = tuple((member.equipment_id, member.site_id) for member in self.members)

    @classmethod
    def begun(cls, judging: Judging, members: list[Member], model: Arrays | None, *, next_ms: int) -> "Cohort":
        points = len(members[0].shape.point_keys)
        state: Arrays = {} if model is None else dict(judging.begin(model))
        return cls(members, model, state, memory.blank(len(members), points), next_ms)

    @property
    def shape(self) -> Shape:
        return self.layout.shape

    @property
    def signature(self) -> Signature:
        """Cohorts of one signature and one next row can be one."""
        parts = [*(self.model or {}).items(), *self.state.items()]
        looks = tuple(sorted((key, array.dtype.str, array.shape[1:]) for key, array in parts))
        return self.shape.subject, self.model is None, looks

    def advance(
        self, judging: Judging, readings: ReadingBatch, *, until_ms: int, on_failure: OnFailure
    ) -> list[Judged]:
        """Judges every row that ends by `until_ms`; what came of it, block by block."""
        judged: list[Judged] = []
        step_ms = self.shape.step_ms
        while (left := (until_ms - self.next_ms) // step_ms) > 0:
            count = int(min(left, max(1, MOST_CELLS // max(1, len(self.layout.cell)))))
            window = rows(self.layout, self.memory, readings, start_ms=self.next_ms, count=count)
            self.next_ms += count * step_ms
            judgement = None if self.model is None else self._judged(judging, window, on_failure)
            said = memory.remember(self.memory, window, judgement)
            judged.append(Judged(self.members, self.names, window, judgement, said))
        return judged

    def hold(self, readings: ReadingBatch) -> None:
        """Lets the next row know what was read before it: the last of each point."""
        hold(self.layout, self.memory, readings, before_ms=self.next_ms)

    def only(self, places: Sequence[int] | Integers) -> "Cohort":
        """Some of its members, by their places."""
        members = [self.members[int(place)] for place in places]
        model = None if self.model is None else taken(self.model, places)
        return Cohort(members, model, taken(self.state, places), taken(self.memory, places), self.next_ms)

    def without_model(self, failed: set[tuple[UUID, bool]]) -> list["Cohort"]:
        """This cohort as those that go on and those whose model failed: they learn on, without one."""
        bad = [place for place, member in enumerate(self.members) if member.key in failed]
        good = [place for place, member in enumerate(self.members) if member.key not in failed]
        parts = [self.only(good)] if good else []
        if bad:
            part = self.only(bad)
            idle = [replace(member, model_id=None) for member in part.members]
            parts.append(Cohort(idle, None, {}, part.memory, self.next_ms))
        return parts

    def _judged(self, judging: Judging, window: Window, on_failure: OnFailure) -> Judgement:
        assert self.model is not None
        try:
            spoken = judging.judge(self.model, self.state, window)
        except Exception as error:
            return self._halved(judging, window, on_failure, error)
        score, confidence = np.asarray(spoken.score), np.asarray(spoken.confidence)
        sound: Flags = np.asarray(np.isfinite(score).all(axis=1) & np.isfinite(confidence).all(axis=1))
        for place in np.flatnonzero(~sound):
            on_failure(self.members[int(place)], "a score is not finite")
        return Judgement(
            score=np.where(sound[:, None], score, 0.0),
            confidence=np.where(sound[:, None], confidence, 0.0),
            is_anomaly=spoken.is_anomaly & sound[:, None],
            shares=np.where(sound[:, None, None], spoken.shares, 0.0),
        )

    def _halved(self, judging: Judging, window: Window, on_failure: OnFailure, error: Exception) -> Judgement:
        """Judges each half from a fresh state: what the failed call left in the old one nobody knows."""
        assert self.model is not None
        if len(self.members) == 1:
            on_failure(self.members[0], repr(error))
            shape = window.values.shape[:2]
            quiet = np.zeros(shape)
            return Judgement(quiet, quiet, np.zeros(shape, np.bool_), np.zeros(window.values.shape))
        middle = len(self.members) // 2
        judgements: list[Judgement] = []
        states: list[State] = []
        for places in (range(middle), range(middle, len(self.members))):
            half = self.only(list(places))
            with contextlib.suppress(Exception):  # what cannot even begin fails again below, and is named there
                half.state = dict(judging.begin(half.model or {}))
            part = Window(window.ts_ms[list(places)], window.values[list(places)], window.step_s)
            judgements.append(half._judged(judging, part, on_failure))
            states.append(half.state)
        self.state = stacked(states)
        return Judgement(
            np.concatenate([each.score for each in judgements]),
            np.concatenate([each.confidence for each in judgements]),
            np.concatenate([each.is_anomaly for each in judgements]),
            np.concatenate([each.shares for each in judgements]),
        )


def joined(cohorts: Sequence[Cohort]) -> Cohort:
    """Several of one signature and one next row as one."""
    first = cohorts[0]
    if len(cohorts) == 1:
        return first
    return Cohort(
        [member for cohort in cohorts for member in cohort.members],
        None if first.model is None else stacked([cohort.model or {} for cohort in cohorts]),
        stacked([cohort.state for cohort in cohorts]),
        stacked([cohort.memory for cohort in cohorts]),
        first.next_ms,
    )


def merged(cohorts: Sequence[Cohort]) -> list[Cohort]:
    """As few cohorts as can be: those alike at the same row become one."""
    alike: dict[tuple[Signature, int], list[Cohort]] = {}
    for cohort in cohorts:
        alike.setdefault((cohort.signature, cohort.next_ms), []).append(cohort)
    return [joined(each) for each in alike.values()]
