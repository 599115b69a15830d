"""Whether an approval is granted, pure: steps in order, votes, delegations, and what time does to them.

`decide` replays everything each time. Nothing is kept but what people said and when.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID


class Mode(StrEnum):
    SINGLE = "single"  # one person is asked
    ALL = "all"  # 会签: everybody must agree, one refusal ends it
    ANY = "any"  # 或签: whoever answers first decides


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Lateness(StrEnum):
    """What happens when a step was not decided in time."""

    REMIND = "remind"  # told again, and again each time as long has passed
    ESCALATE = "escalate"  # others may decide it, too, each of them alone
    REJECT = "reject"


@dataclass(frozen=True)
class Step:
    """`asked` whose word is wanted, never nobody. `after`: how long they have; None: as long as they like.

    `changed_at`: since when others are asked than at first, because somebody left."""

    asked: frozenset[UUID]
    mode: Mode
    after: timedelta | None = None
    late: Lateness = Lateness.REMIND
    escalate_to: frozenset[UUID] = frozenset()
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Vote:
    """`by` said it in the name of `of`: his own, or of somebody who delegated to him."""

    step: int
    by: UUID
    of: UUID
    verdict: Verdict
    at: datetime


@dataclass(frozen=True)
class Delegation:
    """From `starts_at` until, but not at, `ends_at`."""

    from_id: UUID
    to_id: UUID
    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True)
class Pending:
    """`waits_for` whose word is still wanted; `due_at` when time does something next, None: never."""

    step: int
    since: datetime
    waits_for: frozenset[UUID]
    is_escalated: bool
    due_at: datetime | None


@dataclass(frozen=True)
class Approved:
    at: datetime


@dataclass(frozen=True)
class Rejected:
    """`is_late`: by nobody, for nobody answered in time."""

    at: datetime
    step: int
    is_late: bool


Standing = Pending | Approved | Rejected


def decide(
    steps: Sequence[Step],
    votes: Sequence[Vote],
    delegations: Sequence[Delegation],
    *,
    asked_at: datetime,
    now: datetime,
    asker: UUID | None = None,
) -> Standing:
    """Where the approval stands at `now`. Without steps it is granted as soon as it is asked for.

    Votes from the future, of another step, of people who were not asked or in the name of somebody who had not
    delegated at that time count for nothing, nor do those of the `asker` in another's name; of two votes in one name
    the first stands.
    """
    valid = [
        vote for vote in votes
        if vote.at <= now and vote.of in answers_for(delegations, vote.by, asker=asker, at=vote.at)
    ]  # fmt: skip
    since = asked_at
    for number, step in enumerate(steps):
        said = sorted((vote for vote in valid if vote.step == number and vote.at >= since), key=lambda vote: vote.at)
        standing = _of_step(number, step, said, since=since, now=now)
        if not isinstance(standing, Approved):
            return standing
        since = standing.at
    return Approved(since)


def speaks_for(delegations: Sequence[Delegation], person_id: UUID, *, at: datetime) -> frozenset[UUID]:
    """In whose name a person may vote at that time, his own included. Whoever got a delegation may pass it on."""
    found, fresh = {person_id}, [person_id]
    while fresh:
        to_id = fresh.pop()
        givers = {each.from_id for each in delegations if each.to_id == to_id and each.holds(at)} - found
        found |= givers
        fresh += givers
    return frozenset(found)


def answers_for(
    delegations: Sequence[Delegation], person_id: UUID, *, asker: UUID | None, at: datetime
) -> frozenset[UUID]:
    """In whose name a person may vote on what `asker` asked for: whoever asks is nobody's deputy."""
    return frozenset({person_id}) if person_id == asker else speaks_for(delegations, person_id, at=at)


def without(
    step: Step, left: Collection[UUID], *, said: Collection[UUID], instead: UUID, asker: UUID | None, at: datetime
) -> Step:
    """The step when people have `left`: nobody waits for them. What they `said` before stands.

    `instead`, who answers for the site, speaks for them where everybody's word is wanted or nobody else is asked; who
    asks does not, as long as there are others.
    """
    gone = (step.asked & frozenset(left)) - frozenset(said)
    asked, escalate_to = step.asked - gone, step.escalate_to - frozenset(left)
    if gone and (not asked or (step.mode is Mode.ALL and instead != asker)):
        asked |= {instead}
    if step.escalate_to and not escalate_to:
        escalate_to = frozenset({instead})
    if (asked, escalate_to) == (step.asked, step.escalate_to):
        return step
    return replace(step, asked=asked, escalate_to=escalate_to, changed_at=at)


def closes_circle(delegations: Sequence[Delegation], new: Delegation) -> bool:
    """Whether at any moment of the new delegation what is given away would come back to its giver."""
    seen, fresh = set(), [(new.to_id, new.starts_at, new.ends_at)]
    while fresh:
        reached = fresh.pop()
        if reached in seen:
            continue
        seen.add(reached)
        person_id, start, end = reached
        if person_id == new.from_id:
            return True
        fresh += [
            (each.to_id, max(start, each.starts_at), min(end, each.ends_at))
            for each in delegations
            if each.from_id == person_id and max(start, each.starts_at) < min(end, each.ends_at)
        ]
    return False


# --- inside --------------------------------------------------------------------------------------------------------


def _of_step(number: int, step: Step, said: Sequence[Vote], *, since: datetime, now: datetime) -> Standing:
    """`said` are this step's valid votes, oldest first."""
    late_at = None if step.after is None else since + step.after
    agreed: set[UUID] = set()
    for vote in said:
        is_late = late_at is not None and vote.at >= late_at
        if is_late and step.late is Lateness.REJECT:
            break
        is_superior = is_late and step.late is Lateness.ESCALATE and vote.of in step.escalate_to
        if not is_superior and (vote.of not in step.asked or vote.of in agreed):
            continue
        if vote.verdict is Verdict.REJECT:
            return Rejected(vote.at, number, is_late=False)
        agreed.add(vote.of)
        if is_superior or _is_enough(step, agreed):
            # Where it became enough because somebody left, the next step begins then.
            return Approved(max(vote.at, step.changed_at or vote.at))
    return _still_open(number, step, agreed, since=since, late_at=late_at, now=now)


def _is_enough(step: Step, agreed: set[UUID]) -> bool:
    match step.mode:
        case Mode.ALL:
            return agreed >= step.asked
        case Mode.SINGLE | Mode.ANY:
            return True
        case _:
            assert_never(step.mode)


def _still_open(
    number: int, step: Step, agreed: set[UUID], *, since: datetime, late_at: datetime | None, now: datetime
) -> Standing:
    waits_for = step.asked - agreed
    if step.after is None or late_at is None or now < late_at:
        return Pending(number, since, waits_for, is_escalated=False, due_at=late_at)
    match step.late:
        case Lateness.REJECT:
            return Rejected(late_at, number, is_late=True)
        case Lateness.ESCALATE:
            return Pending(number, since, waits_for | step.escalate_to, is_escalated=True, due_at=None)
        case Lateness.REMIND:
            turns = (now - since) // step.after
            return Pending(number, since, waits_for, is_escalated=False, due_at=since + (turns + 1) * step.after)
        case _:
            assert_never(step.late)
