"""What people say, and what they may see of what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from kit.access import Role
from ticketing.incidents.incident import IncidentKey
from ticketing.kinds import PERSONAL, Category, Channel, OwnerState, Procedure, procedure_of
from ticketing.places import Place


@dataclass(frozen=True, kw_only=True)
class NewReport:
    """Something a person noticed.

    `reporter_id`: who noticed it, when known; `taken_by`: the member of staff who wrote it down. `fault_mode` is a
    hint from the words used. `source_ref` names the message it came in ("wechat:<MsgId>"): the same one twice is one.
    `priority` None: what kind and category suggest. `kind`, `topic` and `form`: where it was entered with a form;
    `kind` None: what place and category suggest. `roles`: whose rights on fields hold. `is_anonymous`: only
    managers see who said it.
    """

    site_id: UUID
    channel: Channel
    text: str
    category: Category = Category.OTHER
    reporter_id: UUID | None = None
    taken_by: UUID | None = None
    space_id: UUID | None = None
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    fault_mode: str | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    priority: int | None = None
    source_ref: str | None = None
    kind: str | None = None
    topic: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    appointment_at: datetime | None = None
    is_anonymous: bool = False
    roles: frozenset[Role] = frozenset({Role.OWNER})

    @property
    def shown_by(self) -> UUID | None:
        """Who stands on the timeline for it: nobody where only managers may know."""
        return self.taken_by or (None if self.is_anonymous else self.reporter_id)

    @property
    def procedure(self) -> Procedure:
        """What the words demand, whichever kind was chosen."""
        return procedure_of(self.fault_mode)

    @property
    def definite_fault(self) -> str | None:
        """The fault mode where it changes what must be done; otherwise people's words are hints, not diagnoses."""
        return self.fault_mode if self.procedure.is_life_safety else None


class Known(StrEnum):
    """What was known before the report came."""

    NOTHING = "nothing"
    SENSOR = "sensor"
    REPORTED = "reported"


def known_before(*, reported_at: datetime, sensed_at: datetime | None, joined: bool) -> Known:
    """What was known when a report came: a sensor's word goes before other people's."""
    if sensed_at is not None and sensed_at <= reported_at:
        return Known.SENSOR
    return Known.REPORTED if joined else Known.NOTHING


@dataclass(frozen=True)
class OwnerReport:
    """All that a reporter sees of an order: never who else reported it, nor their words, phones or photos.

    `engineer`: the display name of who comes, once somebody said yes. `promised_at`: until when.
    """

    report_id: UUID
    work_order_id: UUID
    site_id: UUID
    number: str
    category: Category
    place: str
    state: OwnerState
    engineer: str | None
    promised_at: datetime
    known: Known
    created_at: datetime


@dataclass(frozen=True)
class Reported:
    """What became of a report. `joined`: the work had been known before."""

    report: OwnerReport
    joined: bool


def key_of(new: NewReport, place: Place, *, category: Category, procedure: Procedure) -> IncidentKey | None:
    """Which incident a report is about; None when it stands alone: what a person asks or complains of is their own."""
    if procedure is Procedure.FEEDBACK:
        return None
    if place.equipment is not None:
        return IncidentKey.of_equipment(place.equipment.id, new.definite_fault)
    where = place.space_id or place.building_id
    if where is None or (category in PERSONAL and not procedure.is_life_safety):
        return None
    return IncidentKey.of_space(where, new.definite_fault or category)


_COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "东方")


def as_addressed(name: str) -> str:
    """How an engineer is called before an owner: 张伟 → 张工. Names that are not Chinese stay as they are."""
    is_chinese = 2 <= len(name) <= 4 and all("一" <= letter <= "鿿" for letter in name)
    if not is_chinese:
        return name
    return next((surname for surname in _COMPOUND_SURNAMES if name.startswith(surname)), name[0]) + "工"
