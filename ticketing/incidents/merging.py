"""One order put into another by hand, and taken apart again."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from ticketing import repository
from ticketing.actor import Actor
from ticketing.errors import StaleWorkOrder, WorkOrderNotFound
from ticketing.events import WorkOrderChanged, WorkOrderJoined
from ticketing.feedback.protection import Protection, check_not_about
from ticketing.flow import Action
from ticketing.incidents import repository as incident_repository
from ticketing.incidents.children import end_as_duplicate
from ticketing.incidents.errors import MergeNotPossible, NotMerged
from ticketing.incidents.events import OrdersMerged
from ticketing.incidents.linking import unlink
from ticketing.incidents.models import OrderMerge
from ticketing.journal import Entry, record
from ticketing.kinds import SETTLED, Procedure
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.sla.keeping import LevelKeeping
from ticketing.sla.promises import Promises, promises_of, take_over
from ticketing.words import Words


@dataclass(frozen=True)
class Moved:
    """What went from one order to another. `subjects`: whom only the other complaint had been about."""

    reports: list[UUID]
    followers: list[UUID]
    alarms: list[tuple[UUID, str]]
    subjects: list[UUID]

    def as_json(self) -> dict[str, list[object]]:
        return {
            "reports": [str(one) for one in self.reports],
            "followers": [str(one) for one in self.followers],
            "alarms": [[str(alarm_id), onset] for alarm_id, onset in self.alarms],
            "subjects": [str(one) for one in self.subjects],
        }


class Merging:
    def __init__(self, moving: Moving, protection: Protection, levels: LevelKeeping, clock: Clock) -> None:
        self._moving = moving
        self._protection = protection
        self._levels = levels
        self._clock = clock

    async def merge(
        self, session: AsyncSession, scope: Scope, source_id: UUID, *, into_id: UUID, actor: Actor,
        reason: str | None, version: int | None = None,
    ) -> WorkOrder:  # fmt: skip
        """Reports, followers and alarms of the source go to the target; the source is closed as its duplicate.

        What comes about the source's own trouble joins the target from now on. Whom a complaint is about the target is
        about, too. Returns the target. Raises WorkOrderNotFound, StaleWorkOrder, MergeNotPossible and what ending an
        order raises.
        """
        source, target = await self._held(session, scope, source_id, into_id)
        await check_not_about(session, actor.person_id, target.id)
        _check(source, target, version)
        previous_id = source.assignee_id
        moved = await self._move_all(session, source, target)
        owed = promises_of(source, self._clock.now())
        await self._end(session, source, target, actor=actor, reason=reason)
        await self._raise(session, source, target, owed)
        await self._write_down(session, source, target, moved, actor=actor, reason=reason)
        await self._tell(session, target, moved.reports)
        await self._protection.take_away(session, target)
        event = OrdersMerged(
            site_id=source.site_id, source_id=source.id, target_id=target.id, previous_id=previous_id,
            actor_id=actor.person_id,
        )  # fmt: skip
        await publish(session, event)
        return target

    async def unmerge(
        self, session: AsyncSession, scope: Scope, source_id: UUID, *, actor: Actor, reason: str
    ) -> WorkOrder:
        """The source is an order of its own again, with what came from it and is still where it was put.

        Raises WorkOrderNotFound, NotMerged and what reopening raises.
        """
        source = await repository.order(session, scope, source_id)
        if source is None:
            raise WorkOrderNotFound(source_id)
        if source.merged_into_id is None:
            raise NotMerged(source.number)
        source, target = await self._held(session, scope, source_id, source.merged_into_id)
        merge = await incident_repository.standing_merge(session, source.id)
        if merge is None or source.merged_into_id != target.id:
            raise NotMerged(source.number)
        await self._move_back(session, merge, source, target)
        source.merged_into_id = source.duplicate_of_id = None
        merge.undone_at, merge.undone_by = self._clock.now(), actor.person_id
        record(
            session, target, Entry.UNMERGED, at=self._clock.now(), actor_id=actor.person_id, why=reason,
            before={"order": source.number},
        )  # fmt: skip
        await publish(session, WorkOrderChanged(site_id=target.site_id, work_order_id=target.id))
        await self._moving.move(session, source, actor=actor, action=Action.REOPEN, words=Words(reason=reason))
        return source

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _held(
        self, session: AsyncSession, scope: Scope, source_id: UUID, target_id: UUID
    ) -> tuple[WorkOrder, WorkOrder]:
        source, target = await incident_repository.lock_both(session, scope, source_id, target_id)
        if source is None or target is None:
            raise WorkOrderNotFound(source_id if source is None else target_id)
        return source, target

    async def _end(
        self, session: AsyncSession, source: WorkOrder, target: WorkOrder, *, actor: Actor, reason: str | None
    ) -> None:
        # What owners say is answered with words, a duplicate's with where to find them.
        note = reason or (target.number if source.procedure == Procedure.FEEDBACK else None)
        await end_as_duplicate(session, self._moving, source, of=target, actor=actor, note=note)
        source.merged_into_id = target.id
        await incident_repository.repoint_merged(session, before=source.id, after=target.id)
        await session.flush()
        await incident_repository.reopen_incidents_of_merged(session, target)

    async def _move_all(self, session: AsyncSession, source: WorkOrder, target: WorkOrder) -> Moved:
        reports = await incident_repository.move_reports(session, before=source.id, after=target.id)
        followers = await incident_repository.move_followers(session, source=source, target=target)
        alarms = await incident_repository.move_alarms(session, before=source.id, after=target.id)
        for child in await incident_repository.open_children(session, source.id):
            child.parent_id = target.id if child.id != target.id else None
        await unlink(session, source, actor_id=None, reason="merged", clock=self._clock)
        subjects = await self._protection.take_along(session, source, target)
        return Moved(reports, followers, [(link.alarm_id, link.onset_at.isoformat()) for link in alarms], subjects)

    async def _move_back(self, session: AsyncSession, merge: OrderMerge, source: WorkOrder, target: WorkOrder) -> None:
        reports = [UUID(one) for one in merge.moved["reports"]]
        back = await incident_repository.move_reports(session, before=target.id, after=source.id, only=reports)
        alarms = {(alarm_id, onset) for alarm_id, onset in merge.moved["alarms"]}
        for link in await repository.links_of_order(session, target.id):
            if (str(link.alarm_id), link.onset_at.isoformat()) in alarms:
                link.work_order_id = source.id
        await session.flush()
        subjects = [UUID(one) for one in merge.moved.get("subjects", [])]
        await self._protection.give_back(session, source, target, came_along=subjects, since=merge.merged_at)
        for follower in await repository.followers(session, target.id):
            came_along = str(follower.person_id) in merge.moved["followers"]
            is_of_source = follower.report_id in back or (follower.report_id is None and came_along)
            if is_of_source or await self._has_report(session, source, follower.person_id):
                await repository.follow(
                    session, at=source, person_id=follower.person_id, since=follower.since,
                    report_id=follower.report_id if follower.report_id in back else None,
                )  # fmt: skip
            if came_along and not await self._has_report(session, target, follower.person_id):
                await incident_repository.unfollow(session, work_order_id=target.id, person_id=follower.person_id)

    async def _has_report(self, session: AsyncSession, order: WorkOrder, person_id: UUID) -> bool:
        found = await incident_repository.report_of(session, work_order_id=order.id, person_id=person_id)
        return found is not None

    async def _raise(self, session: AsyncSession, source: WorkOrder, target: WorkOrder, owed: Promises) -> None:
        """The target is at least as urgent as what went into it, and owes what that owed."""
        if source.priority < target.priority:
            before, target.priority = target.priority, source.priority
            target.answer_min = min(target.answer_min, source.answer_min)
            await self._levels.tighten(session, target)
            record(
                session, target, Entry.UPGRADED, at=self._clock.now(), before={"priority": before},
                after={"priority": target.priority},
            )  # fmt: skip
        take_over(target, owed, self._clock.now())

    async def _write_down(
        self, session: AsyncSession, source: WorkOrder, target: WorkOrder, moved: Moved, *, actor: Actor,
        reason: str | None,
    ) -> None:  # fmt: skip
        now = self._clock.now()
        session.add(
            OrderMerge(
                id=new_id(), site_id=source.site_id, source_id=source.id, target_id=target.id, moved=moved.as_json(),
                merged_at=now, merged_by=actor.person_id,
            )
        )  # fmt: skip
        target.version += 1
        taken_in = {"order": source.number, "reports": len(moved.reports)}
        for order, what, after in (
            (source, Entry.MERGED, {"into": target.number}),
            (target, Entry.ABSORBED, taken_in),
        ):
            record(session, order, what, at=now, actor_id=actor.person_id, why=reason, after=after)
        await session.flush()

    async def _tell(self, session: AsyncSession, target: WorkOrder, report_ids: list[UUID]) -> None:
        for report_id in report_ids:
            await publish(
                session, WorkOrderJoined(site_id=target.site_id, work_order_id=target.id, report_id=report_id)
            )  # fmt: skip
        await publish(session, WorkOrderChanged(site_id=target.site_id, work_order_id=target.id))


def _check(source: WorkOrder, target: WorkOrder, version: int | None) -> None:
    """Raises StaleWorkOrder, MergeNotPossible."""
    if version is not None and version != source.version:
        raise StaleWorkOrder(given_version=version, version=source.version)
    refusal = _refusal(source, target)
    if refusal is not None:
        raise MergeNotPossible(number=source.number, into=target.number, reason=refusal)


def _refusal(source: WorkOrder, target: WorkOrder) -> str | None:
    """Why one may not go into the other: `ticketing.merge_refusal.…`."""
    if source.id == target.id:
        return "same_order"
    if source.merged_into_id is not None:
        return "already_merged"
    if source.site_id != target.site_id:
        return "other_site"
    if source.state in SETTLED:
        return "source_settled"
    if target.state in SETTLED:
        return "target_settled"
    # What somebody complains of is read by fewer people than what is broken.
    if Procedure.FEEDBACK in (source.procedure, target.procedure) and _sort(source) != _sort(target):
        return "feedback"
    # A trapped passenger never vanishes inside an ordinary repair.
    return "life_safety" if source.is_life_safety and not target.is_life_safety else None


def _sort(order: WorkOrder) -> tuple[str, str]:
    return order.procedure, order.category
