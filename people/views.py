"""What people's room tells other rooms and its own endpoints."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kit.access import Grant
from kit.i18n import Language
from people.kinds import Duty, PersonKind, Relation, Skill


@dataclass(frozen=True)
class PersonView:
    """Somebody. `phone` is whole here: endpoints mask it unless the caller's role needs it."""

    id: UUID
    kind: PersonKind
    name: str
    phone: str | None
    wecom_user_id: str | None
    language: Language
    is_active: bool
    version: int


@dataclass(frozen=True)
class SkillView:
    skill: Skill
    certificate_no: str | None
    valid_until: date | None


@dataclass(frozen=True)
class HomeView:
    """A home of a person, by name as people say it."""

    residence_id: UUID
    space_id: UUID
    site_id: UUID
    building_id: UUID | None
    building_name: str
    unit_name: str
    room_name: str
    relation: Relation


@dataclass(frozen=True)
class PersonDetail:
    person: PersonView
    site_ids: list[UUID]
    username: str | None
    is_login_enabled: bool
    grants: list[Grant]
    skills: list[SkillView]
    building_ids: list[UUID]
    homes: list[HomeView]
    follows_wechat: bool


@dataclass(frozen=True)
class Candidate:
    """Somebody on shift who may be given work.

    `certified_skills`: those with a certificate that is valid today. `building_ids` empty: the whole site.
    `shift_ends_at`: None for somebody who is not on shift.
    """

    person_id: UUID
    name: str
    kind: PersonKind
    skills: frozenset[Skill]
    certified_skills: frozenset[Skill]
    building_ids: frozenset[UUID]
    duty: Duty
    shift_ends_at: datetime | None = None


@dataclass(frozen=True)
class Contact:
    """How somebody can be reached. `openid` None: unknown to WeChat; `follows_wechat` False: it would refuse."""

    person_id: UUID
    name: str
    phone: str | None
    openid: str | None
    follows_wechat: bool
    wecom_user_id: str | None
    language: Language


@dataclass(frozen=True)
class Home:
    space_id: UUID
    site_id: UUID
    building_id: UUID | None
    building_name: str
    unit_name: str
    room_name: str


@dataclass(frozen=True)
class ShiftView:
    id: UUID
    site_id: UUID
    person_id: UUID
    person_name: str
    duty: Duty
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class RotaView:
    """`starts_minute`: minutes after local midnight."""

    id: UUID
    site_id: UUID
    person_id: UUID
    person_name: str
    duty: Duty
    first_day: date
    every_days: int
    starts_minute: int
    hours: int
