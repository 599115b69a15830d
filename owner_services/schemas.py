"""Owner services on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from knowledge.schemas import ArticleLineOut
from owner_services.binding import Issued
from people.kinds import Relation
from ticketing.kinds import OwnerState
from ticketing.reports import Reported


class MyReportIn(Schema):
    """`space_id`: which of the caller's homes it is about. `client_key`: the same key twice is one report."""

    text: Name = Field(max_length=500, examples=["厨房漏水"])
    space_id: UUID | None = None
    send_anyway: bool = Field(False, description="file it although articles may answer it")
    client_key: Line = Field(default="", max_length=64, examples=["5f1c1f1e-0d0b-4f3a-9f0e-2f8b8a1b2c3d"])


class OfferedOut(Schema):
    """Articles that may answer the question, best first: nothing was filed. `answer`: the same in a sentence."""

    articles: list[ArticleLineOut]
    answer: str = Field(examples=["《水费缴纳方式》可能回答了您的问题；仍需客服处理请选择“仍要提交”。"])


class MyReportOut(Schema):
    """A report as its reporter sees it. `answer`: the same in a sentence, with what to do in danger."""

    report_id: UUID
    number: str = Field(examples=["WO-20261122-0007"])
    place: str = Field(examples=["3栋2单元502"])
    state: OwnerState
    engineer: str | None = Field(examples=["张工"])
    promised_at: datetime
    joined: bool = Field(description="the matter had been known before")
    answer: str = Field(examples=["已收到，报修单 WO-20261122-0007（3栋2单元502），正在派单，预计 14:00 前完成。"])

    @classmethod
    def of(cls, reported: Reported, answer: str) -> Self:
        report = reported.report
        return cls(
            report_id=report.report_id,
            number=report.number,
            place=report.place,
            state=report.state,
            engineer=report.engineer,
            promised_at=report.promised_at,
            joined=reported.joined,
            answer=answer,
        )


class InvitationIn(Schema):
    name: Name = Field(max_length=50, examples=["王女士"])
    relation: Relation = Relation.FAMILY


class InvitationOut(Schema):
    """The code is shown this once. The resident sends `绑定 <code>` to the Official Account."""

    id: UUID
    space_id: UUID
    code: str = Field(examples=["7KQ3MX9T"])
    expires_at: datetime

    @classmethod
    def of(cls, issued: Issued) -> Self:
        return cls(id=issued.id, space_id=issued.space_id, code=issued.code, expires_at=issued.expires_at)
