"""Approvals on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from kit.http import Schema
from ticketing.approvals.asking import ApprovalState
from ticketing.approvals.deciding import Mode, Verdict
from ticketing.approvals.models import ApprovalPolicy
from ticketing.approvals.service import ApprovalView, DelegationView

ActionCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

SITE = "0198b5a0-0000-7000-8000-000000000001"
PERSON = "0198b5a0-0000-7000-8000-00000000000a"
_COSTLY: dict[str, Any] = {
    "code": "costly_work",
    "names": {"zh-CN": "大额维修", "en": "Costly work"},
    "steps": [
        {
            "who": {"role": "manager"}, "mode": "any", "when": {"fact": "cost", "op": ">", "value": 500},
            "late": {"after_min": 240, "then": "escalate", "to": {"role": "admin"}},
        }
    ],
}  # fmt: skip


class ApprovalPolicyIn(Schema):
    """`covers`: the action of a flow that takes the approval, such as `close`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"site_id": SITE, "covers": "close", "document": _COSTLY}]}
    )

    site_id: UUID
    covers: ActionCode
    document: dict[str, Any]


class ApprovalPolicyOut(Schema):
    id: UUID
    site_id: UUID
    code: str
    version: int
    covers: str
    is_current: bool
    document: dict[str, Any]
    saved_by: UUID
    saved_at: datetime

    @classmethod
    def of(cls, row: ApprovalPolicy) -> "ApprovalPolicyOut":
        return cls.model_validate(row)


class ApprovalAskIn(Schema):
    action: Annotated[ActionCode, Field(examples=["close"])]
    reason: Remark | None = None


class ApprovalVoteIn(Schema):
    """`in_name_of`: whoever delegated to the caller; not needed where only one could be meant."""

    verdict: Annotated[Verdict, Field(examples=[Verdict.APPROVE])]
    comment: Remark | None = None
    in_name_of: UUID | None = None


class ApprovalPersonOut(Schema):
    id: UUID
    name: str


class VoteOut(Schema):
    step: Annotated[int, Field(description="from 1")]
    by: ApprovalPersonOut
    in_name_of: ApprovalPersonOut | None
    verdict: Verdict
    comment: str | None
    at: datetime


class ApprovalOut(Schema):
    id: UUID
    site_id: UUID
    work_order_id: UUID
    work_order_number: str
    place: str
    action: str
    names: Annotated[dict[str, str], Field(description="of the policy, by language; empty where none applied")]
    facts: Annotated[dict[str, str | None], Field(description="what was to be approved, as it was when asked")]
    state: ApprovalState
    step: Annotated[int, Field(description="the step it stands at, from 1")]
    steps: int
    mode: Annotated[Mode | None, Field(description="of that step")]
    waits_for: list[ApprovalPersonOut]
    due_at: Annotated[datetime | None, Field(description="when time does something about it")]
    asked_by: ApprovalPersonOut | None
    asked_at: datetime
    reason: str | None
    ended_at: datetime | None
    is_late: bool
    votes: list[VoteOut]

    @classmethod
    def of(cls, view: ApprovalView) -> "ApprovalOut":
        def person(person_id: UUID) -> ApprovalPersonOut:
            return ApprovalPersonOut(id=person_id, name=view.names.get(person_id, "—"))

        row = view.approval
        votes = [
            VoteOut(
                step=vote.step + 1, by=person(vote.by_id), verdict=Verdict(vote.verdict), comment=vote.comment,
                in_name_of=None if vote.of_id == vote.by_id else person(vote.of_id), at=vote.at,
            )
            for vote in view.votes
        ]  # fmt: skip
        return cls(
            id=row.id, site_id=row.site_id, work_order_id=row.work_order_id, work_order_number=view.order.number,
            place=view.order.place, action=row.action, names=row.names, facts=row.facts,
            state=ApprovalState(row.state), step=row.step + 1, steps=len(row.steps),
            mode=Mode(row.steps[row.step]["mode"]) if row.steps else None,
            waits_for=[person(each) for each in view.waits_for], due_at=row.next_at,
            asked_by=person(row.asked_by) if row.asked_by else None, asked_at=row.asked_at, reason=row.reason,
            ended_at=row.ended_at, is_late=row.is_late, votes=votes,
        )  # fmt: skip


class DelegationIn(Schema):
    """The caller lets somebody else vote in the caller's name, at one site, for a while."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": SITE, "to_id": PERSON, "starts_at": "2026-12-01T00:00:00Z",
                    "ends_at": "2026-12-08T00:00:00Z", "reason": "年假",
                }
            ]
        }
    )  # fmt: skip

    site_id: UUID
    to_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: Remark | None = None


class DelegationOut(Schema):
    id: UUID
    site_id: UUID
    giver: ApprovalPersonOut
    deputy: ApprovalPersonOut
    starts_at: datetime
    ends_at: datetime
    reason: str | None

    @classmethod
    def of(cls, view: DelegationView) -> "DelegationOut":
        row = view.delegation
        return cls(
            id=row.id, site_id=row.site_id, starts_at=row.starts_at, ends_at=row.ends_at, reason=row.reason,
            giver=ApprovalPersonOut(id=row.from_id, name=view.names.get(row.from_id, "—")),
            deputy=ApprovalPersonOut(id=row.to_id, name=view.names.get(row.to_id, "—")),
        )  # fmt: skip
