"""What a message is answered with, and by whom it was written."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from kit.i18n import Language
from people.views import PersonView


class Outcome(StrEnum):
    """What became of a message."""

    REPORTED = "reported"
    ASKED = "asked"  # a question of ours is open
    OFFERED = "offered"  # articles answered it; whether they helped is open
    ATTACHED = "attached"  # a picture that belongs to a report
    WAITING = "waiting"  # a picture that waits for words
    REFUSED = "refused"  # a wrong code
    CODE_SENT = "code_sent"
    ANSWERED = "answered"
    NOTED = "noted"  # nothing to answer
    POSTPONED = "postponed"  # to be answered by a job


@dataclass(frozen=True)
class Reply:
    """`pictures`: messages whose pictures are to be fetched for `report_id`. `offered`: articles, the shown one
    first."""

    text: str
    outcome: Outcome
    report_id: UUID | None = None
    pictures: tuple[UUID, ...] = ()
    offered: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Speaker:
    """Who writes: a person of ours, or only an openid."""

    openid: str
    person: PersonView | None

    @property
    def language(self) -> Language:
        return self.person.language if self.person else Language.ZH

    @property
    def person_id(self) -> UUID | None:
        return self.person.id if self.person else None
