"""Approvals against a plain oracle: a clerk who goes through the minutes one by one and keeps a list."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.approvals.deciding import (
    Approved,
    Delegation,
    Lateness,
    Mode,
    Pending,
    Rejected,
    Step,
    Verdict,
    Vote,
    closes_circle,
    decide,
    speaks_for,
    without,
)

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
PEOPLE = [UUID(int=number) for number in range(1, 6)]
ANNA, BEN, CHEN, DAO, _ = PEOPLE
MINUTES = 12


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


minutes = st.integers(0, MINUTES)
some = st.frozensets(st.sampled_from(PEOPLE), min_size=1, max_size=3)
steps = st.builds(
    Step, asked=some, mode=st.sampled_from(Mode),
    after=st.one_of(st.none(), st.integers(1, 5).map(lambda n: timedelta(minutes=n))),
    late=st.sampled_from(Lateness), escalate_to=st.frozensets(st.sampled_from(PEOPLE), max_size=2),
)  # fmt: skip
votes = st.builds(
    Vote, step=st.integers(0, 2), by=st.sampled_from(PEOPLE), of=st.sampled_from(PEOPLE),
    verdict=st.sampled_from([Verdict.APPROVE, Verdict.APPROVE, Verdict.REJECT]), at=minutes.map(at),
)  # fmt: skip
delegations = st.builds(
    Delegation, from_id=st.sampled_from(PEOPLE), to_id=st.sampled_from(PEOPLE), starts_at=minutes.map(at),
    ends_at=minutes.map(at),
)  # fmt: skip


class Clerk:
    """Keeps the books minute by minute."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps, self.step, self.since, self.agreed = steps, 0, 0, set[UUID]()
        self.result = "approved" if not steps else "pending"

    @property
    def is_late(self) -> bool:
        after = self.steps[self.step].after
        return after is not None and at(self.now) >= at(self.since) + after

    def minute(self, now: int, said: list[Vote], delegations: list[Delegation]) -> None:
        self.now = now
        for number in range(len(self.steps)):  # a step that begins in this minute may be decided in it, too
            if self.result == "pending" and self.step == number:
                self._look(now, said, delegations)

    def _look(self, now: int, said: list[Vote], delegations: list[Delegation]) -> None:
        step = self.steps[self.step]
        if self.is_late and step.late is Lateness.REJECT:
            self.result = "rejected"
            return
        for vote in said:
            if vote.step != self.step or not can_speak(vote.by, vote.of, delegations, now, set()):
                continue
            if self.is_late and step.late is Lateness.ESCALATE and vote.of in step.escalate_to:
                self._decided(vote)
                return
            if vote.of not in step.asked or vote.of in self.agreed:
                continue
            self.agreed.add(vote.of)
            if vote.verdict is Verdict.REJECT or step.mode is not Mode.ALL or self.agreed == set(step.asked):
                self._decided(vote)
                return

    def _decided(self, vote: Vote) -> None:
        if vote.verdict is Verdict.REJECT:
            self.result = "rejected"
            return
        self.step, self.since, self.agreed = self.step + 1, self.now, set()
        if self.step == len(self.steps):
            self.result = "approved"


def can_speak(by: UUID, of: UUID, delegations: list[Delegation], minute: int, seen: set[UUID]) -> bool:
    """From the one whose word is wanted down the chain to the one who spoke."""
    if by == of:
        return True
    return any(
        can_speak(by, each.to_id, delegations, minute, seen | {of})
        for each in delegations
        if each.from_id == of and each.to_id not in seen and each.starts_at <= at(minute) < each.ends_at
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=3), st.lists(votes, max_size=14), st.lists(delegations, max_size=5), minutes)
def test_what_is_decided_is_what_a_clerk_would_write_down(
    steps: list[Step], votes: list[Vote], delegations: list[Delegation], now: int
) -> None:
    clerk = Clerk(steps)
    for minute in range(now + 1):
        clerk.minute(minute, [vote for vote in votes if vote.at == at(minute)], delegations)
    standing = decide(steps, votes, delegations, asked_at=START, now=at(now))
    match standing:
        case Approved():
            assert clerk.result == "approved"
        case Rejected():
            assert clerk.result == "rejected"
        case Pending():
            assert (clerk.result, clerk.step, at(clerk.since)) == ("pending", standing.step, standing.since)
            open_step = steps[clerk.step]
            late = clerk.is_late and open_step.late is Lateness.ESCALATE
            assert standing.waits_for == (open_step.asked - clerk.agreed) | (open_step.escalate_to if late else set())
            assert standing.due_at is None or standing.due_at > at(now), "what is due is never in the past"


@settings(max_examples=100, deadline=None)
@given(st.lists(delegations, max_size=8))
def test_delegations_that_are_let_in_one_by_one_never_lead_back(wanted: list[Delegation]) -> None:
    kept: list[Delegation] = []
    for new in wanted:
        if new.starts_at < new.ends_at and not closes_circle(kept, new):
            kept.append(new)
    for minute in range(MINUTES):
        held = [each for each in kept if each.holds(at(minute))]
        for each in held:
            assert each.to_id != each.from_id
            assert each.to_id not in speaks_for(held, each.from_id, at=at(minute)), "its giver speaks for its taker"


@pytest.mark.parametrize(
    ("mode", "said", "is_granted"),
    [
        (Mode.ANY, [(ANNA, Verdict.APPROVE)], True),
        (Mode.ANY, [(ANNA, Verdict.REJECT), (BEN, Verdict.APPROVE)], False),
        (Mode.ALL, [(ANNA, Verdict.APPROVE)], None),
        (Mode.ALL, [(ANNA, Verdict.APPROVE), (BEN, Verdict.APPROVE)], True),
        (Mode.ALL, [(ANNA, Verdict.APPROVE), (BEN, Verdict.REJECT)], False),
        (Mode.ANY, [(CHEN, Verdict.APPROVE)], None),
    ],
)
def test_who_must_agree(mode: Mode, said: list[tuple[UUID, Verdict]], is_granted: bool | None) -> None:
    step = Step(frozenset({ANNA, BEN}), mode)
    given_votes = [Vote(0, who, who, verdict, at(number)) for number, (who, verdict) in enumerate(said)]
    standing = decide([step], given_votes, [], asked_at=START, now=at(9))
    assert {Approved: True, Rejected: False, Pending: None}[type(standing)] is is_granted


@settings(max_examples=100, deadline=None)
@given(steps, some, some, st.sampled_from(PEOPLE), st.sampled_from([None, *PEOPLE]))
def test_nobody_who_left_is_waited_for_and_never_nobody_is_asked(
    step: Step, left: frozenset[UUID], said: frozenset[UUID], instead: UUID, asker: UUID | None
) -> None:
    left -= {instead}
    changed = without(step, left, said=said, instead=instead, asker=asker, at=at(5))
    assert changed.asked
    assert not changed.asked & (left - said), "who left and said nothing is asked no more"
    assert changed.asked >= step.asked - left, "who is here is asked as before"
    assert changed.asked - step.asked <= {instead}
    assert not changed.escalate_to & left
    assert bool(changed.escalate_to) is bool(step.escalate_to)
    is_same = not step.asked & left - said and not step.escalate_to & left
    assert (changed == step) is is_same
    agreed = [Vote(0, who, who, Verdict.APPROVE, at(1)) for who in step.asked & said]
    standing = decide([changed], agreed, [], asked_at=START, now=at(5), asker=asker)
    if isinstance(standing, Pending):
        assert standing.waits_for
        assert not standing.waits_for & (left - said)


def test_when_the_last_one_waited_for_leaves_the_next_step_begins_then() -> None:
    both = Step(frozenset({ANNA, BEN}), Mode.ALL)
    quick = Step(frozenset({CHEN}), Mode.SINGLE, timedelta(minutes=2), Lateness.REJECT)
    agreed = [Vote(0, ANNA, ANNA, Verdict.APPROVE, at(1))]
    alone = without(both, {BEN}, said={ANNA}, instead=ANNA, asker=None, at=at(6))
    assert decide([alone, quick], agreed, [], asked_at=START, now=at(6)) == Pending(
        1, at(6), frozenset({CHEN}), is_escalated=False, due_at=at(8)
    )


def test_whoever_asks_is_nobodys_deputy() -> None:
    step, leave = Step(frozenset({ANNA}), Mode.SINGLE), Delegation(ANNA, DAO, at(0), at(9))
    vote = Vote(0, DAO, ANNA, Verdict.APPROVE, at(2))
    for asker, kind in ((DAO, Pending), (BEN, Approved)):
        assert isinstance(decide([step], [vote], [leave], asked_at=START, now=at(3), asker=asker), kind)
    own = Vote(0, ANNA, ANNA, Verdict.APPROVE, at(2))
    assert isinstance(decide([step], [own], [leave], asked_at=START, now=at(3), asker=ANNA), Approved)


def test_a_reminder_comes_again_and_again_and_each_has_a_time_of_its_own() -> None:
    step = Step(frozenset({ANNA}), Mode.SINGLE, timedelta(minutes=3), Lateness.REMIND)
    due = [decide([step], [], [], asked_at=START, now=at(minute)) for minute in (0, 2, 3, 5, 6)]
    assert [pending.due_at for pending in due if isinstance(pending, Pending)] == [at(3), at(3), at(6), at(6), at(9)]


def test_a_delegation_counts_when_the_vote_is_cast() -> None:
    step = Step(frozenset({ANNA}), Mode.SINGLE)
    leave = Delegation(ANNA, DAO, at(2), at(4))
    for minute, is_heard in ((1, False), (2, True), (3, True), (4, False)):
        vote = Vote(0, DAO, ANNA, Verdict.APPROVE, at(minute))
        assert isinstance(decide([step], [vote], [leave], asked_at=START, now=at(9)), Approved) is is_heard
