"""Who pays, prices, quotations and charges on the wire. Money is a decimal string in yuan."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from kit.i18n import Language, Texts
from ticketing.charging.kinds import ChargeState, QuotationState
from ticketing.charging.models import Charge, PriceListVersion, Quotation
from ticketing.charging.payer import CoveredPart, Payer, PayerRule
from ticketing.charging.paying import Known
from ticketing.charging.prices import ItemKind
from ticketing.charging.quotations import WantedItem
from ticketing.charging.quoting import ApprovalReason
from ticketing.models import WorkOrder

Yuan = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2, description="yuan")]
Amount = Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=3)]

_SITE = "0198b5a0-0000-7000-8000-000000000001"
_BUILDING = "0198b5a0-0000-7000-8000-000000000003"


# --- who pays ------------------------------------------------------------------------------------------------------


class PayerReasonOut(Schema):
    """A rule that was looked at, with its sentence in the reader's language. The first one decided."""

    rule: PayerRule
    words: str
    facts: dict[str, str]


class PayerOut(Schema):
    """Who pays for an order. None: it was opened before the hub decided that."""

    payer: Payer | None
    name: str
    reasons: list[PayerReasonOut]

    @classmethod
    def of(cls, order: WorkOrder, texts: Texts, language: Language) -> "PayerOut":
        payer = Payer(order.payer) if order.payer else None
        name = texts.text(f"charging.payer.{payer or 'undecided'}", language)
        reasons = [_reason(one, texts, language) for one in order.payer_facts.get("reasons", [])]
        return cls(payer=payer, name=name, reasons=reasons)


def _reason(raw: Mapping[str, Any], texts: Texts, language: Language) -> PayerReasonOut:
    facts = dict(raw["facts"])
    shown = facts | ({"part": texts.text(f"charging.part.{facts['part']}", language)} if "part" in facts else {})
    words = texts.text(f"charging.rule.{raw['rule']}", language, **shown)
    return PayerReasonOut(rule=raw["rule"], words=words, facts=facts)


class PayerIn(Schema):
    """What somebody found out; what is left out stays. `payer`: a manager's own word, with the reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"part": "waterproofing"},
                {"somebody_at_fault": True, "reason": "装修工人打穿水管"},
                {"payer": "property_fee", "reason": "项目承诺免费"},
            ]
        }
    )

    part: CoveredPart | None = None
    is_in_home: bool | None = None
    somebody_at_fault: bool | None = None
    person_at_fault_id: UUID | None = None
    expected_cost: Yuan | None = None
    payer: Payer | None = None
    reason: Line | None = None

    def known(self) -> Known:
        at_fault = True if self.person_at_fault_id is not None else self.somebody_at_fault
        return Known(
            part=self.part, is_in_home=self.is_in_home, somebody_at_fault=at_fault,
            person_at_fault_id=self.person_at_fault_id, expected_cost=self.expected_cost,
        )  # fmt: skip


class WarrantyIn(Schema):
    """Of one equipment, of one building, or (neither) of the whole site; both days included."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": _SITE, "building_id": _BUILDING, "part": "waterproofing", "provider": "城建开发",
                    "starts_on": "2023-06-01", "ends_on": "2028-05-31",
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    part: CoveredPart
    provider: Name
    starts_on: date
    ends_on: date
    note: Line = ""


class StatutoryIn(Schema):
    """The terms that the law gives from the day of acceptance (竣工验收) on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"site_id": _SITE, "building_id": _BUILDING, "provider": "城建开发", "accepted_on": "2025-06-01"}
            ]
        }
    )

    site_id: UUID
    building_id: UUID | None = None
    provider: Name
    accepted_on: Annotated[date, Field(ge=date(1980, 1, 1), le=date(2100, 1, 1))]


class WarrantyOut(Schema):
    id: UUID
    site_id: UUID
    building_id: UUID | None
    equipment_id: UUID | None
    part: CoveredPart
    provider: str
    starts_on: date
    ends_on: date
    note: str


# --- prices --------------------------------------------------------------------------------------------------------


class PriceItemIn(Schema):
    code: Annotated[str, Field(max_length=40)]
    names: dict[str, str]
    kind: ItemKind
    unit: Annotated[str, Field(max_length=80)]
    price: Yuan


class PriceListIn(Schema):
    """`site_id` left out: the company's, for every site that has none of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": _SITE, "effective_from": "2026-12-01",
                    "items": [
                        {
                            "code": "VISIT", "names": {"zh-CN": "上门费", "en": "Visit"}, "kind": "labour",
                            "unit": "次", "price": "30.00",
                        },
                        {
                            "code": "TAP-15", "names": {"zh-CN": "更换水龙头", "en": "Tap replaced"},
                            "kind": "material", "unit": "个", "price": "65.00",
                        },
                    ],
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID | None = None
    effective_from: date
    items: list[PriceItemIn]


class PriceItemOut(Schema):
    code: str
    names: dict[str, str]
    kind: ItemKind
    unit: str
    price: Decimal


class PriceListOut(Schema):
    id: UUID
    site_id: UUID | None
    version: int
    effective_from: date
    items: list[PriceItemOut]
    saved_at: datetime

    @classmethod
    def of(cls, row: PriceListVersion) -> "PriceListOut":
        return cls.model_validate(row)


# --- quotations ----------------------------------------------------------------------------------------------------


class QuotationItemIn(Schema):
    """By a code of the price list, or in words with unit and price."""

    code: Annotated[str | None, Field(max_length=40)] = None
    name: Name | None = None
    kind: ItemKind | None = None
    unit: Name | None = None
    quantity: Amount = Decimal(1)
    unit_price: Yuan | None = None

    def wanted(self) -> WantedItem:
        return WantedItem(**self.model_dump())


class QuotationIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"code": "VISIT"},
                        {
                            "name": "进口混水阀", "kind": "material", "unit": "个", "quantity": "1",
                            "unit_price": "420.00",
                        },
                    ],
                    "note": "原阀体已断裂，无法维修",
                }
            ]
        }
    )  # fmt: skip

    items: Annotated[list[QuotationItemIn], Field(min_length=1, max_length=50)]
    note: Line = ""


class QuotationItemOut(Schema):
    """`published_price`: what the price list says of it; None: it is not on the list."""

    code: str | None
    name: str
    kind: ItemKind
    unit: str
    quantity: Decimal
    unit_price: Decimal
    published_price: Decimal | None
    total: Decimal


class QuotationOut(Schema):
    """What was quoted, as its payer sees it. `why_asked`: why their yes is needed; empty: it is at published prices."""

    id: UUID
    number: int
    order_number: str
    place: str
    state: QuotationState
    payer: Payer
    items: list[QuotationItemOut]
    total: Decimal
    why_asked: list[ApprovalReason]
    note: str
    made_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_how: str | None
    decided_why: str | None

    @classmethod
    def of(cls, row: Quotation, order: WorkOrder, language: Language) -> "QuotationOut":
        items = [
            QuotationItemOut(**{key: one[key] for key in one if key != "names"}, name=one["names"][language.value])
            for one in row.items
        ]
        return cls(
            id=row.id, number=row.number, order_number=order.number, place=order.place, state=row.state,
            payer=row.payer, items=items, total=row.total, why_asked=row.why_asked, note=row.note,
            made_at=row.made_at, expires_at=row.expires_at, decided_at=row.decided_at, decided_how=row.decided_how,
            decided_why=row.decided_why,
        )  # fmt: skip


class QuotationAnswerIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"approve": True}, {"approve": False, "reason": "太贵"}]})

    approve: bool
    reason: Line | None = None


# --- charges -------------------------------------------------------------------------------------------------------


class ChargeOut(Schema):
    """What is to be billed: agreed while the work goes on, due once it is done, void when it was called off."""

    id: UUID
    site_id: UUID
    work_order_id: UUID
    order_number: str
    quotation_id: UUID | None
    payer: Payer
    payer_id: UUID | None
    space_id: UUID | None
    amount: Decimal
    state: ChargeState
    written_at: datetime
    due_at: datetime | None
    voided_at: datetime | None

    @classmethod
    def of(cls, row: Charge, order_number: str) -> "ChargeOut":
        values = {name: getattr(row, name) for name in cls.model_fields if name != "order_number"}
        return cls(**values, order_number=order_number)
