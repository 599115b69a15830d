"""All equipment that this process judges by models: cohorts, and the readings that wait for them. No I/O."""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from predictive.streaming.cohort import Cohort, Judged, Judging, Member, merged
from predictive.streaming.inbox import Inbox, lateness

Key: TypeAlias = tuple[UUID, bool]
# By equipment and model.
Failed: TypeAlias = dict[tuple[UUID, UUID | None], str]
# Why a model is set aside until another comes.
_MOST_REMEMBERED: Final = 10_000


class Stream:
    """`failed`: whose model failed, and why; it is tried again when there is another model."""

    def __init__(self, judging: Judging, *, lateness_ms: int, failed: Failed | None = None) -> None:
        self._judging = judging
        self._lateness_ms = lateness_ms
        self.cohorts: list[Cohort] = []
        self.inbox = Inbox(lateness_ms=lateness_ms)
        self.failed: Failed = {} if failed is None else failed
        self._failing: set[Key] = set()

    def members(self) -> dict[Key, Member]:
        return {member.key: member for cohort in self.cohorts for member in cohort.members}

    def advance(self, *, read_until_ms: int) -> list[Judged]:
        """Judges every row that is over, when all that the bus took until `read_until_ms` has been handed in."""
        due = [cohort for cohort in self.cohorts if self._until_ms(cohort, read_until_ms) > cohort.next_ms]
        if not due:
            return []
        pending, judged = self.inbox.pending(), []
        for cohort in due:
            until_ms = self._until_ms(cohort, read_until_ms)
            judged += cohort.advance(self._judging, pending, until_ms=until_ms, on_failure=self._note_failure)
        self._set_aside()
        self._lay_out(merged(self.cohorts))
        return judged

    def edge_ms(self, step_ms: int, *, read_until_ms: int) -> int:
        """Where the first row begins that is not over yet."""
        return (read_until_ms - lateness(step_ms, self._lateness_ms)) // step_ms * step_ms

    def join(self, cohorts: Sequence[Cohort]) -> None:
        """Takes more equipment in. What the members do already goes on as it was."""
        known = self.members()
        parts = [_without(cohort, known) for cohort in cohorts]
        self._lay_out(merged([*self.cohorts, *(part for part in parts if part is not None)]))

    def leave(self, keys: Collection[Key]) -> list[Cohort]:
        """Lets equipment go; its cohorts as they were left."""
        gone: list[Cohort] = []
        stay: list[Cohort] = []
        for cohort in self.cohorts:
            going = [place for place, member in enumerate(cohort.members) if member.key in keys]
            staying = [place for place, member in enumerate(cohort.members) if member.key not in keys]
            if going:
                gone.append(cohort.only(going))
            if staying:
                stay.append(cohort if not going else cohort.only(staying))
        if gone:
            self._lay_out(stay)
        return gone

    def _until_ms(self, cohort: Cohort, read_until_ms: int) -> int:
        return self.edge_ms(cohort.shape.step_ms, read_until_ms=read_until_ms)

    def _note_failure(self, member: Member, why: str) -> None:
        self._failing.add(member.key)
        while len(self.failed) >= _MOST_REMEMBERED:
            self.failed.pop(next(iter(self.failed)))
        self.failed[member.equipment_id, member.model_id] = why

    def _set_aside(self) -> None:
        """A shadow whose model failed is judged no more; of a champion's equipment the readings are looked at."""
        if not self._failing:
            return
        parts = [part for cohort in self.cohorts for part in cohort.without_model(self._failing)]
        self._failing.clear()
        self.cohorts = [part for part in parts if part.model is not None or not part.members[0].is_shadow]

    def _lay_out(self, cohorts: list[Cohort]) -> None:
        self.cohorts = cohorts
        self.inbox.route(cohorts)
        self.inbox.let_go()


def _without(cohort: Cohort, known: Collection[Key]) -> Cohort | None:
    new = [place for place, member in enumerate(cohort.members) if member.key not in known]
    if not new:
        return None
    return cohort if len(new) == len(cohort.members) else cohort.only(new)
