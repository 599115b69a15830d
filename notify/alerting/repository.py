"""Queries on policies, cases and their decisions. Destinations and deliveries: `delivery_repository`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from notify.alerting.models import AlertCase, AlertDecision, AlertPolicy
from notify.alerting.reason import Reason

# One after the other, so that two who save at once do not both write the same version.
POLICY_LOCK = "alert_policy/{site_id}"


@dataclass(frozen=True)
class CaseFilter:
    """None means any. `open`: the next telling is still to come."""

    site_id: UUID | None = None
    alarm_id: UUID | None = None
    group_id: UUID | None = None
    end_reason: str | None = None
    open: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        named = {name: value for name, value in vars(self).items() if name != "open" and value is not None}
        found = [getattr(AlertCase, name) == value for name, value in named.items()]
        if self.open is not None:
            found.append(AlertCase.ended_at.is_(None) if self.open else AlertCase.ended_at.is_not(None))
        return found


# --- policies ------------------------------------------------------------------------------------------------------


async def lock_policies(session: AsyncSession, site_id: UUID) -> None:
    name = POLICY_LOCK.format(site_id=site_id)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def current_policy(session: AsyncSession, site_id: UUID) -> AlertPolicy | None:
    newest = select(AlertPolicy).where(AlertPolicy.site_id == site_id).order_by(AlertPolicy.version.desc()).limit(1)
    return await session.scalar(newest)


async def policy_version(session: AsyncSession, site_id: UUID, version: int) -> AlertPolicy | None:
    wanted = select(AlertPolicy).where(AlertPolicy.site_id == site_id, AlertPolicy.version == version)
    return await session.scalar(wanted)


async def policy_versions(
    session: AsyncSession, scope: Scope, site_id: UUID, *, limit: int, offset: int
) -> tuple[Sequence[AlertPolicy], int]:
    """The newest first."""
    conditions = [scope.where(AlertPolicy.site_id), AlertPolicy.site_id == site_id]
    total = await session.scalar(select(func.count()).select_from(AlertPolicy).where(*conditions)) or 0
    wanted = select(AlertPolicy).where(*conditions).order_by(AlertPolicy.version.desc())
    return (await session.scalars(wanted.limit(limit).offset(offset))).all(), total


# --- cases ---------------------------------------------------------------------------------------------------------


async def add_case(session: AsyncSession, **values: Any) -> AlertCase | None:
    """The new case; None when this subject has one already."""
    statement = insert(AlertCase).values(**values).on_conflict_do_nothing(index_elements=["subject"])
    return (await session.execute(statement.returning(AlertCase))).scalar_one_or_none()


async def unanswered_cases_of(session: AsyncSession, alarm_id: UUID) -> Sequence[AlertCase]:
    """Cases of an alarm that have not ended, or ended because there was nobody left to tell. Held; the oldest first."""
    is_unanswered = AlertCase.ended_at.is_(None) | (AlertCase.end_reason == Reason.CHAIN_OVER)
    wanted = select(AlertCase).where(AlertCase.alarm_id == alarm_id, is_unanswered)
    return (await session.scalars(held(wanted.order_by(AlertCase.begun_at, AlertCase.id)))).all()


async def cases_of_episode(session: AsyncSession, alarm_id: UUID, *, episode: str) -> Sequence[AlertCase]:
    """Cases of the episode whose names begin so, and those of others that have not ended. Held; the oldest first."""
    is_wanted = AlertCase.ended_at.is_(None) | AlertCase.subject.startswith(episode, autoescape=True)
    wanted = select(AlertCase).where(AlertCase.alarm_id == alarm_id, is_wanted)
    return (await session.scalars(held(wanted.order_by(AlertCase.begun_at, AlertCase.id)))).all()


async def open_case_of_group(session: AsyncSession, group_id: UUID) -> AlertCase | None:
    """The telling of a group that goes on, the newest where there are some."""
    wanted = select(AlertCase).where(AlertCase.group_id == group_id, AlertCase.ended_at.is_(None))
    return await session.scalar(wanted.order_by(AlertCase.telling.desc()).limit(1))


async def hold_newest_of(session: AsyncSession, alarm_id: UUID) -> AlertCase | None:
    newest = select(AlertCase).where(AlertCase.alarm_id == alarm_id)
    return await session.scalar(held(newest.order_by(AlertCase.begun_at.desc(), AlertCase.id.desc()).limit(1)))


async def take_due(session: AsyncSession, *, now: datetime, life_safety: bool, limit: int) -> Sequence[AlertCase]:
    """Cases whose time has come and that nobody else has in hand, digests left out, the longest due first."""
    mode = AlertCase.route["mode"].astext
    is_wanted = (AlertCase.next_at <= now, mode != "digest", AlertCase.life_safety.is_(life_safety))
    return await _taken(session, *is_wanted, limit=limit)


async def take_due_digests(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[AlertCase]:
    """As `take_due`, of what waits for a digest."""
    return await _taken(session, AlertCase.next_at <= now, AlertCase.route["mode"].astext == "digest", limit=limit)


async def _taken(session: AsyncSession, *conditions: ColumnElement[bool], limit: int) -> Sequence[AlertCase]:
    wanted = select(AlertCase).where(*conditions).order_by(AlertCase.next_at, AlertCase.id).limit(limit)
    return (await session.scalars(wanted.with_for_update(skip_locked=True))).all()


async def put_off(session: AsyncSession, case_id: UUID, *, until: datetime) -> None:
    await session.execute(update(AlertCase).where(AlertCase.id == case_id).values(next_at=until))


async def has_later_telling(session: AsyncSession, *, group_id: UUID, telling: int) -> bool:
    wanted = select(AlertCase.id).where(AlertCase.group_id == group_id, AlertCase.telling > telling).limit(1)
    return await session.scalar(wanted) is not None


async def case(session: AsyncSession, scope: Scope, case_id: UUID) -> AlertCase | None:
    wanted = select(AlertCase).where(AlertCase.id == case_id, scope.where(AlertCase.site_id))
    return await session.scalar(wanted)


async def cases(
    session: AsyncSession, scope: Scope, wanted: CaseFilter, *, limit: int, offset: int
) -> tuple[Sequence[AlertCase], int]:
    """The newest first."""
    conditions = [scope.where(AlertCase.site_id), *wanted.conditions()]
    total = await session.scalar(select(func.count()).select_from(AlertCase).where(*conditions)) or 0
    newest = select(AlertCase).where(*conditions).order_by(AlertCase.begun_at.desc(), AlertCase.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total


async def drop_before(session: AsyncSession, moment: datetime, *, limit: int) -> int:
    """Deletes cases that ended before `moment`, with their decisions; how many."""
    old = select(AlertCase.id).where(AlertCase.begun_at < moment, AlertCase.ended_at < moment).limit(limit)
    statement = delete(AlertCase).where(AlertCase.id.in_(old)).returning(AlertCase.id)
    return len((await session.execute(statement)).all())


# --- decisions -----------------------------------------------------------------------------------------------------


def write_down(
    session: AsyncSession, found: AlertCase, reason: Reason, *, at: datetime, facts: dict[str, Any],
    person_id: UUID | None = None, destination_id: UUID | None = None, key: str = "",
) -> None:  # fmt: skip
    session.add(
        AlertDecision(
            site_id=found.site_id, case_id=found.id, at=at, reason=reason.value, person_id=person_id,
            destination_id=destination_id, key=key, facts=facts,
        )
    )  # fmt: skip


async def decisions_of(session: AsyncSession, case_id: UUID, *, limit: int) -> Sequence[AlertDecision]:
    """Of one case, as they were made."""
    wanted = select(AlertDecision).where(AlertDecision.case_id == case_id).order_by(AlertDecision.no)
    return (await session.scalars(wanted.limit(limit))).all()


async def tellings_of(
    session: AsyncSession, scope: Scope, person_id: UUID, *, limit: int, offset: int
) -> tuple[list[tuple[AlertDecision, AlertCase]], int]:
    """Why somebody was told, each with its case; the newest first."""
    conditions = [scope.where(AlertDecision.site_id), AlertDecision.person_id == person_id, AlertDecision.key != ""]
    total = await session.scalar(select(func.count()).select_from(AlertDecision).where(*conditions)) or 0
    newest = (
        select(AlertDecision, AlertCase)
        .join(AlertCase, AlertCase.id == AlertDecision.case_id)
        .where(*conditions)
        .order_by(AlertDecision.at.desc(), AlertDecision.no.desc())
    )
    rows = await session.execute(newest.limit(limit).offset(offset))
    return [(row[0], row[1]) for row in rows], total
