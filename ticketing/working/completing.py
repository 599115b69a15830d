"""What is there of what an order's kind wants, and the guard that keeps an order from being done without it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing import repository as orders
from ticketing.definitions.book import Definitions
from ticketing.following import Step
from ticketing.kinds import Category, ClosingCode
from ticketing.models import Attachment, WorkOrder
from ticketing.order_kind import Completion
from ticketing.working import repository
from ticketing.working.checking import Checking
from ticketing.working.checklist import Item
from ticketing.working.completion import Evidence, Wanted, missing
from ticketing.working.errors import WorkIncomplete
from ticketing.working.jobs import Jobs
from ticketing.working.purposes import PhotoPurpose
from ticketing.working.suggesting import LATEST, Suggestion, suggest

# Duplicates among them do not count, so some more are looked at.
_HISTORY = 3 * LATEST


class Completing:
    def __init__(self, *, definitions: Definitions, checking: Checking, jobs: Jobs) -> None:
        self._definitions = definitions
        self._checking = checking
        self._jobs = jobs

    async def check(self, session: AsyncSession, step: Step) -> None:
        """Guard: whoever did the work finishes with all that the kind wants. Raises WorkIncomplete, naming it."""
        wanted = await self.wanted(session, step.order)
        there, unanswered = await self.evidence(session, step.order)
        lacking = missing(wanted, there, closing_code=step.words.closing_code)
        if lacking:
            items = unanswered if Wanted.CHECKLIST in lacking else []
            raise WorkIncomplete(
                missing=[one.value for one in lacking], items=[one.code for one in items],
                item_names=[one.names for one in items],
            )  # fmt: skip

    async def wanted(self, session: AsyncSession, order: WorkOrder) -> Completion:
        return (await self._definitions.kind_of(session, order)).completion

    async def evidence(self, session: AsyncSession, order: WorkOrder) -> tuple[Evidence, list[Item]]:
        """What is there, and the items of the checklist without an answer."""
        photos = await repository.photos(session, order.id)
        checklist = await self._checking.of_order(session, order)
        answered = {one.item for one in await self._checking.answers(session, order)}
        unanswered = checklist.unanswered(answered) if checklist else []
        parts = await self._jobs.parts(session, order.id)
        there = Evidence(
            photos_before=sum(_is_before(photo, order) for photo in photos),
            photos_after=sum(_is_after(photo, order) for photo in photos),
            unanswered=len(unanswered),
            has_labour=bool(await repository.labour(session, order.id)),
            has_parts=any(one.used > 0 for one in parts),
            has_signature=has_signature(photos, order),
        )
        return there, unanswered

    async def suggestion(self, session: AsyncSession, order: WorkOrder) -> Suggestion:
        """The closing code that finishing is one tap with."""
        codes = await repository.closing_codes(session, order, limit=_HISTORY)
        return suggest(
            category=Category(order.category),
            has_alarm=bool(await orders.links_of_order(session, order.id)),
            history=[ClosingCode(code) for code in codes],
        )


def has_signature(photos: Sequence[Attachment], order: WorkOrder) -> bool:
    """Whether somebody signed since the technician came."""
    return any(photo.purpose == PhotoPurpose.SIGNATURE and _since_arrival(photo, order) for photo in photos)


def _is_before(photo: Attachment, order: WorkOrder) -> bool:
    is_plain = photo.purpose == PhotoPurpose.WORK
    return photo.purpose == PhotoPurpose.BEFORE or (is_plain and not _since_arrival(photo, order))


def _is_after(photo: Attachment, order: WorkOrder) -> bool:
    # A reopened order is done again: pictures of the time before prove nothing.
    return photo.purpose in (PhotoPurpose.AFTER, PhotoPurpose.WORK) and _since_arrival(photo, order)


def _since_arrival(photo: Attachment, order: WorkOrder) -> bool:
    return order.arrived_at is not None and photo.added_at >= order.arrived_at
