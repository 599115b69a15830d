"""What the ticketing room holds of somebody: their reports, words, verdicts and pictures. Orders and figures stay."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kit.events import publish
from kit.personal import AgedRows, Holding, KeepingDuty, PersonalFile, PersonalRows, Subject, TableHolder
from ticketing import personal_repository as repository
from ticketing.attaching import PhotoFolder
from ticketing.charging.models import Charge, Quotation
from ticketing.events import PicturesErased
from ticketing.feedback.models import ComplaintSubject, OrderRating, OrderUrge, OwnerVerdict
from ticketing.models import Attachment, Follower, Report, TimelineEntry, WorkOrder
from ticketing.videos import suffix_of
from ticketing.working.models import CheckIn

ERASED = "—"
_OTHER = aliased(Report)
# What staff noted of an order (the cause, misuse, who pays and why) is not about the person and not theirs to see.
TOLD_BY_THEM = frozenset({"number", "kind", "category", "place", "state", "opened_at", "form"})
NOWHERE = {"latitude": None, "longitude": None, "accuracy_m": None}
NO_PICTURE = {"sha256": "", "size_bytes": 0, "source_ref": None, "facts": {}}


def _only_mine(who: Subject) -> Select[UUID]:
    """Orders that nobody else reported."""
    is_others = _OTHER.reporter_id.is_distinct_from(who.person_id)
    others = exists().where(_OTHER.work_order_id == Report.work_order_id, is_others)
    return select(Report.work_order_id).where(Report.reporter_id == who.person_id, ~others)


ROWS = [
    PersonalRows(OrderRating, lambda who: OrderRating.person_id == who.person_id, {"words": None}),
    PersonalRows(OwnerVerdict, lambda who: OwnerVerdict.person_id == who.person_id, {"words": None}),
    PersonalRows(OrderUrge, lambda who: OrderUrge.person_id == who.person_id),
    # Whoever a complaint is about is not told of it.
    PersonalRows(
        ComplaintSubject, lambda who: ComplaintSubject.person_id == who.person_id, is_dropped=True, shown=frozenset()
    ),
    PersonalRows(Charge, lambda who: Charge.payer_id == who.person_id),
    PersonalRows(Quotation, lambda who: Quotation.payer_id == who.person_id, {"decided_why": None}),
    PersonalRows(CheckIn, lambda who: CheckIn.person_id == who.person_id, NOWHERE),
    PersonalRows(Attachment, lambda who: repository.is_theirs(who.person_id), NO_PICTURE),
    PersonalRows(TimelineEntry, lambda who: TimelineEntry.actor_id == who.person_id, {"why": None}),
    PersonalRows(WorkOrder, lambda who: WorkOrder.id.in_(_only_mine(who)), {"form": {}}, shown=TOLD_BY_THEM),
    PersonalRows(Follower, lambda who: Follower.person_id == who.person_id, is_dropped=True),
    PersonalRows(
        Report, lambda who: Report.reporter_id == who.person_id,
        {"text": ERASED, "form": {}, "contact_name": None, "contact_phone": None, "source_ref": None},
    ),
]  # fmt: skip
AGED = [
    AgedRows("report_contacts", Report, "created_at", {"contact_name": None, "contact_phone": None}),
    AgedRows("locations", CheckIn, "at", NOWHERE),
]


class TicketingHolder(TableHolder):
    """`charges_days`: how long what somebody is to pay must remain theirs."""

    def __init__(self, folder: PhotoFolder, *, charges_days: int) -> None:
        super().__init__("ticketing", ROWS, AGED)
        self._folder = folder
        self._charges_days = charges_days

    async def export(self, session: AsyncSession, subject: Subject) -> Holding:
        held = await super().export(session, subject)
        files = []
        for picture in await repository.pictures(session, subject.person_id):
            path = self._folder.path(picture.id, suffix_of(picture.media_type))
            content = await asyncio.to_thread(_content, path)
            if content is not None:
                files.append(PersonalFile(path.name, content))
        return Holding(held.rows, files)

    async def duties(self, session: AsyncSession, subject: Subject) -> Sequence[KeepingDuty]:
        """Work under way, and what is to be paid, for as long as it may be claimed."""
        numbers = await repository.open_orders(session, subject.person_id)
        found = [KeepingDuty("open_order", number) for number in numbers]
        for number, charge in await repository.charges(session, subject.person_id):
            until = (charge.due_at or charge.written_at) + timedelta(days=self._charges_days)
            found.append(KeepingDuty("charge", number, until.date()))
        return found

    async def erase(self, session: AsyncSession, subject: Subject) -> Mapping[str, int]:
        """The files go after the commit, by a job that is done or tried again (`Attaching.on_pictures_erased`)."""
        files: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
        for picture in await repository.pictures(session, subject.person_id):
            files[picture.site_id].append((picture.id, suffix_of(picture.media_type)))
        done = await super().erase(session, subject)
        await publish(session, *(PicturesErased(site_id=site, files=tuple(those)) for site, those in files.items()))
        return done


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
