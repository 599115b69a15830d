"""People on the wire."""

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from catalog.foreign_text import Line, Name
from catalog.schemas import VersionedChanges, nullable
from kit.access import Grant, Role
from kit.http import Schema
from kit.i18n import Language
from people.kinds import Duty, PersonKind, Relation, Skill
from people.passwords import MAX_LENGTH
from people.phones import masked, normal_phone
from people.rota import MAX_SHIFT_HOURS
from people.views import PersonDetail, PersonView, RotaView

_ID = "019aa9f2-7c1e-7b6d-9a53-0c5d1e2f3a4b"
_PERSON: JsonDict = {
    "id": _ID, "kind": "staff", "name": "张伟", "phone": "138****8000", "wecom_user_id": "zhangwei",
    "language": "zh-CN", "is_active": True, "version": 1,
}  # fmt: skip
_HOME: JsonDict = {
    "residence_id": _ID, "space_id": _ID, "site_id": _ID, "building_id": _ID, "building_name": "3栋",
    "unit_name": "2单元", "room_name": "502", "relation": "owner",
}  # fmt: skip
_SHIFT: JsonDict = {
    "id": _ID, "site_id": _ID, "person_id": _ID, "person_name": "张伟", "duty": "engineer",
    "starts_at": "2026-11-22T00:00:00Z", "ends_at": "2026-11-22T12:00:00Z",
}  # fmt: skip
_ROTA: JsonDict = {
    "id": _ID, "site_id": _ID, "person_id": _ID, "person_name": "张伟", "duty": "guard", "first_day": "2026-11-22",
    "every_days": 2, "starts_at": "20:00", "hours": 12,
}  # fmt: skip


def _phone(text: str) -> str:
    phone = normal_phone(text)
    if phone is None:
        raise ValueError("must be a phone number, such as 13800138000 or 0571-88880000")
    return phone


Phone = Annotated[Line, AfterValidator(_phone)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]
Username = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[\w.@-]{2,64}$")]


# --- login -------------------------------------------------------------------------------------------------------


class LoginIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "manager", "password": "correct horse 7"}]})

    username: Line
    password: Password


class TokenOut(Schema):
    """`expires_in` seconds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"access_token": "eyJhbGciOi…", "token_type": "bearer", "expires_in": 43200}]}
    )

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the scheme, as OAuth names it
    expires_in: int


class StreamTokenOut(Schema):
    """A token for an address that can carry no header; good for `expires_in` seconds."""

    stream_token: str
    expires_in: int


class PasswordIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"old": "correct horse 7", "new": "battery staple 8"}]})

    old: Password
    new: Password


class GrantBody(Schema):
    """A role at one site, or at every site when `site_id` is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "dispatcher", "site_id": _ID}]})

    role: Role
    site_id: UUID | None = None

    @property
    def grant(self) -> Grant:
        return Grant(self.role, self.site_id)


class MeOut(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"person_id": _ID, "name": "张伟", "grants": [{"role": "dispatcher", "site_id": _ID}]}]
        }
    )

    person_id: UUID
    name: str
    grants: list[GrantBody]


# --- people ------------------------------------------------------------------------------------------------------


class PersonIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_id": _ID, "kind": "staff", "name": "张伟", "phone": "13800138000"}]}
    )

    site_id: UUID
    kind: PersonKind
    name: Name
    phone: Phone | None = None
    wecom_user_id: Name | None = None
    language: Language = Language.ZH


class PersonPatch(VersionedChanges):
    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "13900139000", "version": 1}]})

    name: Name | None = None
    phone: Phone | None = nullable()
    wecom_user_id: Name | None = nullable()
    language: Language | None = None


class PersonOut(Schema):
    """`phone` is masked (138****1234) unless the caller's role needs it whole and the caller asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PERSON]})

    id: UUID
    kind: PersonKind
    name: str
    phone: str | None
    wecom_user_id: str | None
    language: Language
    is_active: bool
    version: int

    @classmethod
    def of(cls, person: PersonView, *, whole_phone: bool) -> "PersonOut":
        phone = person.phone if whole_phone else masked(person.phone)
        return cls(**{**{name: getattr(person, name) for name in cls.model_fields}, "phone": phone})


class SkillBody(Schema):
    """A skill with its certificate, if one backs it. Without `valid_until` the certificate never runs out."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"skill": "elevator", "certificate_no": "TS6HZJ20260118", "valid_until": "2028-06-30"}]
        },
    )

    skill: Skill
    certificate_no: Name | None = None
    valid_until: date | None = None


class HomeOut(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_HOME]})

    residence_id: UUID
    space_id: UUID
    site_id: UUID
    building_id: UUID | None
    building_name: str
    unit_name: str
    room_name: str
    relation: Relation


class PersonDetailOut(PersonOut):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _PERSON
                | {
                    "site_ids": [_ID], "username": "zhangwei", "is_login_enabled": True,
                    "grants": [{"role": "engineer", "site_id": _ID}], "skills": [{"skill": "elevator"}],
                    "building_ids": [], "homes": [_HOME], "follows_wechat": False,
                }
            ]
        }
    )  # fmt: skip

    site_ids: list[UUID]
    username: str | None
    is_login_enabled: bool
    grants: list[GrantBody]
    skills: list[SkillBody]
    building_ids: list[UUID]
    homes: list[HomeOut]
    follows_wechat: bool

    @classmethod
    def of_detail(cls, detail: PersonDetail, *, whole_phone: bool) -> "PersonDetailOut":
        return cls(
            **dict(PersonOut.of(detail.person, whole_phone=whole_phone)), site_ids=detail.site_ids,
            username=detail.username, is_login_enabled=detail.is_login_enabled,
            grants=[GrantBody.model_validate(grant) for grant in detail.grants],
            skills=[SkillBody.model_validate(skill) for skill in detail.skills], building_ids=detail.building_ids,
            homes=[HomeOut.model_validate(home) for home in detail.homes], follows_wechat=detail.follows_wechat,
        )  # fmt: skip


class AccountIn(Schema):
    """Without a password one is made and shown once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "zhangwei"}]})

    username: Username
    password: Password | None = None


class AccountOut(Schema):
    """`password`: to be handed over now; it is kept as a hash and never shown again. Null when the caller chose it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "zhangwei", "password": "k3V9-tQ2m-Xw7p"}]})

    username: str
    password: str | None


class AreasBody(Schema):
    """Buildings a person looks after; empty: every building."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"building_ids": [_ID]}]})

    building_ids: list[UUID] = Field(max_length=500)


class ResidenceIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"space_id": _ID, "relation": "owner"}]})

    space_id: UUID
    relation: Relation = Relation.OWNER


class ResidenceOut(Schema):
    residence_id: UUID


# --- shifts ------------------------------------------------------------------------------------------------------


class ShiftIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": _ID, "person_id": _ID, "duty": "engineer", "starts_at": "2026-11-22T00:00:00Z",
                    "ends_at": "2026-11-22T12:00:00Z",
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID
    person_id: UUID
    duty: Duty
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class ShiftOut(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_SHIFT]})

    id: UUID
    site_id: UUID
    person_id: UUID
    person_name: str
    duty: Duty
    starts_at: datetime
    ends_at: datetime


class RotaIn(Schema):
    """A shift that comes again: every `every_days` days from `first_day` on, from `starts_at` (local, HH:MM)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": _ID, "person_id": _ID, "duty": "guard", "first_day": "2026-11-22", "every_days": 2,
                    "starts_at": "20:00", "hours": 12,
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID
    person_id: UUID
    duty: Duty
    first_day: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
    every_days: int = Field(1, ge=1, le=28)
    starts_at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    hours: int = Field(ge=1, le=MAX_SHIFT_HOURS)

    @property
    def starts_minute(self) -> int:
        hour, minute = self.starts_at.split(":")
        return int(hour) * 60 + int(minute)

    @model_validator(mode="after")
    def _refuse_overlap(self) -> "RotaIn":
        if timedelta(hours=self.hours) > timedelta(days=self.every_days):
            raise ValueError("a shift must end before the next one of the same rota begins")
        return self


class RotaOut(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROTA]})

    id: UUID
    site_id: UUID
    person_id: UUID
    person_name: str
    duty: Duty
    first_day: date
    every_days: int
    starts_at: str
    hours: int

    @classmethod
    def of(cls, rota: RotaView) -> "RotaOut":
        fields = {name: getattr(rota, name) for name in cls.model_fields if name != "starts_at"}
        return cls(**fields, starts_at=f"{rota.starts_minute // 60:02}:{rota.starts_minute % 60:02}")
