"""Notifications on the wire: what was said to whom and what came of it, without addresses."""

import re
from datetime import datetime
from uuid import UUID

from pydantic import Field

from kit.http import Schema
from notify.policy import NotifyChannel, State, Urgency

_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


class NotificationOut(Schema):
    id: UUID
    site_id: UUID
    person_id: UUID
    key: str = Field(examples=["work_order/0197…/3/staff.assigned"])
    channel: NotifyChannel = Field(examples=["wecom"])
    template: str = Field(examples=["staff.assigned"])
    urgency: Urgency
    state: State = Field(examples=["sent"])
    title: str = Field(examples=["新工单 WO-20261122-0007"])
    body: str = Field(description="empty when the content is private", examples=["门关不上，3栋2单元电梯，优先级 2，…"])
    attempts: int = Field(examples=[1])
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    error_code: str = Field(examples=["43004"])
    error_detail: str = Field(examples=["require subscribe"])


def masked(text: str) -> str:
    """The text with the middle of every mobile number hidden: 138****8888."""
    return _PHONE.sub(r"\1****\2", text)
