"""Contractors on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from catalog.foreign_text import Line, Name
from catalog.schemas import VersionedChanges, nullable
from kit.http import Schema
from people.contractors.service import NewContract
from people.contractors.views import ContactView, ContractorView
from people.phones import masked
from people.schemas import Phone

_ID = "019aa9f2-7c1e-7b6d-9a53-0c5d1e2f3a4b"
_COMPANY: JsonDict = {"name": "迅达电梯杭州维保站", "license_no": "TS3333001-2028", "hotline": "0571-88880000"}
_CONTACT: JsonDict = {"name": "陶站长", "title": "站长", "phone": "13800138000"}
_TERMS: JsonDict = {"number": "WB-2026-017", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "arrival_min": 30}
LONGEST_ARRIVAL_MIN = 7 * 24 * 60

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
ArrivalMin = Annotated[float, Field(gt=0, le=LONGEST_ARRIVAL_MIN, description="minutes until they are on site")]


class ContractorIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"site_id": _ID, **_COMPANY}]})

    site_id: UUID
    name: Name
    license_no: Name | None = None
    hotline: Phone | None = None


class ContractorPatch(VersionedChanges):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hotline": "0571-88881111", "version": 1}, {"is_active": False}]}
    )

    name: Name | None = None
    license_no: Name | None = nullable()
    hotline: Phone | None = nullable()
    is_active: bool | None = None


class ContactBody(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_CONTACT]})

    name: Name
    title: Line = ""
    phone: Phone


class ContactsBody(Schema):
    """Whom to call, first one first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"contacts": [_CONTACT]}]})

    contacts: list[ContactBody] = Field(max_length=20)

    def views(self) -> list[ContactView]:
        return [ContactView(one.name, one.title, one.phone) for one in self.contacts]


class ContractorPeopleBody(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"person_ids": [_ID]}]})

    person_ids: list[UUID] = Field(max_length=500)


class ContactOut(Schema):
    name: str
    title: str
    phone: str | None


class ContractorPersonOut(Schema):
    person_id: UUID
    name: str


class ContractorOut(Schema):
    """A company at a site. The phones of its contacts are masked unless the caller is of the desk; the hotline is not
    a person's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "site_id": _ID, **_COMPANY, "is_active": True,
                    "contacts": [{**_CONTACT, "phone": "138****8000"}],
                    "people": [{"person_id": _ID, "name": "陶师傅"}], "version": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    name: str
    license_no: str | None
    hotline: str | None
    is_active: bool
    contacts: list[ContactOut]
    people: list[ContractorPersonOut]
    version: int

    @classmethod
    def of(cls, view: ContractorView, *, whole_phone: bool) -> "ContractorOut":
        contacts = [
            ContactOut(name=one.name, title=one.title, phone=one.phone if whole_phone else masked(one.phone))
            for one in view.contacts
        ]
        people = [ContractorPersonOut(person_id=one.person_id, name=one.name) for one in view.people]
        company = {name: getattr(view, name) for name in cls.model_fields if name not in ("contacts", "people")}
        return cls(**company, contacts=contacts, people=people)


class ContractIn(Schema):
    """The same terms for several pieces of equipment. Without a last day it holds until further notice."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"contractor_id": _ID, "equipment_ids": [_ID], **_TERMS}]}
    )

    contractor_id: UUID
    equipment_ids: list[UUID] = Field(min_length=1, max_length=500)
    number: Line = ""
    starts_on: Day
    ends_on: Day | None = None
    arrival_min: ArrivalMin

    def to_contract(self) -> NewContract:
        return NewContract(
            self.contractor_id, tuple(self.equipment_ids), self.number, self.starts_on, self.ends_on, self.arrival_min
        )


class ContractPatch(VersionedChanges):
    model_config = ConfigDict(json_schema_extra={"examples": [{"ends_on": "2027-12-31", "version": 1}]})

    number: Line | None = None
    ends_on: Day | None = nullable()
    arrival_min: ArrivalMin | None = None


class ContractOut(Schema):
    """`name` is the contractor's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "site_id": _ID, "contractor_id": _ID, "name": _COMPANY["name"], "equipment_id": _ID,
                    "equipment_code": "LIFT-02", **_TERMS, "version": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    contractor_id: UUID
    name: str
    equipment_id: UUID
    equipment_code: str
    number: str
    starts_on: date
    ends_on: date | None
    arrival_min: float
    version: int
