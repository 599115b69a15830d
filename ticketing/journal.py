"""The timeline of an order: every change with who, why, before and after."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import recording as audit
from ticketing.models import TimelineEntry, WorkOrder


class Entry(StrEnum):
    """What happened, besides the transitions (which are named `moved`)."""

    OPENED = "opened"
    REPORT_JOINED = "report_joined"
    ALARM_JOINED = "alarm_joined"
    ALARM_RETURNED = "alarm_returned"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    MOVED = "moved"
    UPGRADED = "upgraded"
    EDITED = "edited"
    TASK_OPENED = "task_opened"
    TASK_MOVED = "task_moved"
    WARNED = "warned"
    ESCALATED = "escalated"
    NOBODY_FOUND = "nobody_found"
    WAITING = "waiting"
    OUTAGE_CONFIRMED = "outage_confirmed"
    UNPROVED = "unproved"
    LINKED = "linked"
    UNLINKED = "unlinked"
    MERGED = "merged"
    ABSORBED = "absorbed"
    UNMERGED = "unmerged"
    SPLIT = "split"
    SPLIT_OFF = "split_off"
    PHOTO_ADDED = "photo_added"
    PHONE_REVEALED = "phone_revealed"
    COMMENTED = "commented"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_VOTED = "approval_voted"
    APPROVAL_LATE = "approval_late"
    APPROVAL_HANDED_ON = "approval_handed_on"
    APPROVAL_ENDED = "approval_ended"
    OWNER_CONFIRMED = "owner_confirmed"
    OWNER_REJECTED = "owner_rejected"
    OWNER_SILENT = "owner_silent"
    RATED = "rated"
    URGED = "urged"
    REPORT_WITHDRAWN = "report_withdrawn"
    SUBJECT_NAMED = "subject_named"
    PAYER_SET = "payer_set"
    QUOTED = "quoted"
    QUOTATION_DECIDED = "quotation_decided"
    PARTS_MOVED = "parts_moved"
    LABOUR_ENTERED = "labour_entered"
    CHECKED = "checked"
    SIGNED = "signed"
    HELPER_JOINED = "helper_joined"
    HELPER_LEFT = "helper_left"
    CONTRACTOR_LINKED = "contractor_linked"


def record(
    session: AsyncSession,
    order: WorkOrder,
    what: Entry,
    *,
    at: datetime,
    actor_id: UUID | None = None,
    why: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> TimelineEntry:
    """Adds the next entry. The caller holds the order's row, which is what keeps positions in order.

    What a request does the audit hears of by itself; what the hub does, and what comes by WeChat, from here.
    """
    order.entries += 1
    entry = TimelineEntry(
        site_id=order.site_id,
        work_order_id=order.id,
        position=order.entries,
        version=order.version,
        at=at,
        what=what.value,
        actor_id=actor_id,
        why=why,
        before=dict(before or {}),
        after=dict(after or {}),
    )
    session.add(entry)
    if not audit.is_recorded(session):
        audit.record(
            session, at=at, action=f"work_order.{what}", kind="work_order", about=order.id, site_id=order.site_id,
            actor_id=actor_id, before=before, after=after,
        )  # fmt: skip
    return entry
