"""Whether a point was heard well enough to be believed, pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ticketing.proof.verdict import Doubt, Trust


@dataclass(frozen=True)
class Heard:
    """A reading. `doubt`: why its value is none, or none to build on; None when it is sound."""

    at: datetime
    doubt: Doubt | None = None


def trust_of(heard: Sequence[Heard], *, holds: timedelta, since: datetime, now: datetime) -> Trust:
    """Whether a point is to be believed at `now`, and since when without a break, at the earliest `since`.

    `heard` is in order of time and begins `holds` before `since`: a reading holds for that long, and a longer gap is a
    silence. What a device stamps ahead of our clock counts as now.
    """
    if not heard:
        return Trust.none(Doubt.SILENT)
    newest = heard[-1]
    if newest.doubt is not None:
        return Trust.none(newest.doubt)
    if now - newest.at > holds:
        return Trust.none(Doubt.SILENT)
    begun = newest.at
    for one in reversed(heard[:-1]):
        if one.doubt is not None or begun - one.at > holds:
            break
        begun = one.at
    return Trust(min(max(begun, since), now))


def least(trusts: Sequence[Trust], *, since: datetime) -> Trust:
    """All of them together: the first doubt, else since when the last of them is believed; `since` for none at all."""
    for one in trusts:
        if one.doubt is not None:
            return one
    return Trust(max((one.since for one in trusts if one.since is not None), default=since))
