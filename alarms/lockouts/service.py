"""Locking an equipment out while somebody works on it, and taking the locks off.

Its nuisance alarms are recorded and held back until the last lock is off; life safety speaks as ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository as alarm_repository
from alarms.announcing import save_moves
from alarms.events import LockoutChanged
from alarms.flood.control import FloodControl
from alarms.flood.speaking import SpeakingUp
from alarms.holding import standing_on
from alarms.ledger import freed, record
from alarms.lockouts import repository
from alarms.lockouts.errors import LockIsAnothers, LockoutEndsEarlier, LockoutNotFound, LockoutOver
from alarms.models import Inhibition
from alarms.suppression import holder_of, note_holder
from alarms.transition import TransitionKind
from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from people.service import PeopleService


@dataclass(frozen=True)
class NewLockout:
    """On this equipment, because of `reason`, until it is taken off, or until a time."""

    equipment_id: UUID
    reason: str
    until: datetime | None


class LockoutService:
    """One whose time is over comes off with the sweep that lifts whatever holds alarms back."""

    def __init__(self, catalog: CatalogService, directory: LiveDirectory, people: PeopleService, clock: Clock) -> None:
        self._catalog = catalog
        self._directory = directory
        self._people = people
        self._clock = clock
        self._speaking = SpeakingUp(FloodControl(directory, clock))

    async def lock(self, session: AsyncSession, scope: Scope, wanted: NewLockout, *, actor: UUID) -> Inhibition:
        """Each has a lock of their own; who has one already moves its end. Nuisance alarms that are open are held back
        too. Raises EquipmentNotFound, LockoutEndsEarlier."""
        equipment, now = await self._catalog.equipment(session, scope, wanted.equipment_id), self._clock.now()
        if wanted.until is not None and wanted.until <= now:
            raise LockoutEndsEarlier(wanted.until)
        lockout = await repository.put_on(
            session, site_id=equipment.site_id, equipment_id=wanted.equipment_id, person_id=actor,
            reason=wanted.reason, until=wanted.until, now=now,
        )  # fmt: skip
        await self._hold_back(session, lockout, actor=actor)
        await self._tell(session, lockout)
        return lockout

    async def take_off(self, session: AsyncSession, scope: Scope, lockout_id: UUID, *, actor: UUID) -> Inhibition:
        """By whoever put it on, or a manager. What lasts is announced, once it was the last.

        Raises LockoutNotFound, LockoutOver, LockIsAnothers.
        """
        lockout = await repository.hold(session, scope, lockout_id)
        if lockout is None:
            raise LockoutNotFound(lockout_id)
        if not self.is_on(lockout):
            raise LockoutOver(lockout_id)
        if lockout.person_id != actor and not await self._people.is_manager(
            session, site_id=lockout.site_id, person_id=actor
        ):
            raise LockIsAnothers(lockout_id)
        lockout.released_at, lockout.released_by = self._clock.now(), actor
        await session.flush()
        await self._free(session, lockout.equipment_id, actor=actor)
        await self._tell(session, lockout)
        return lockout

    async def find(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, equipment_id: UUID | None, standing: bool,
        limit: int, offset: int,
    ) -> tuple[Sequence[Inhibition], int]:  # fmt: skip
        """A page, the newest first, and how many there are; `standing`: only those that are on."""
        at = self._clock.now() if standing else None
        return await repository.find(
            session, scope, site_id=site_id, equipment_id=equipment_id, standing_at=at, limit=limit, offset=offset
        )

    def is_on(self, lockout: Inhibition) -> bool:
        return lockout.released_at is None and (lockout.until is None or lockout.until > self._clock.now())

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _hold_back(self, session: AsyncSession, lockout: Inhibition, *, actor: UUID) -> None:
        now = self._clock.now()
        moves = []
        for alarm in await alarm_repository.open_nuisances(session, lockout.equipment_id):
            if alarm.suppressed_by is not None:
                continue
            note_holder(alarm, holder_of(alarm, [lockout], now=now))
            kind = TransitionKind.LOCKED_OUT
            entry = record(alarm, kind, before=alarm.state, at=now, now=now, actor_id=actor, note=lockout.reason)
            moves.append((alarm, entry))
        await save_moves(session, moves)

    async def _free(self, session: AsyncSession, equipment_id: UUID, *, actor: UUID) -> None:
        now = self._clock.now()
        standing = await standing_on(session, self._directory.current, [equipment_id], now=now)
        moves = [
            (alarm, entry)
            for alarm in await alarm_repository.open_nuisances(session, equipment_id)
            if alarm.suppressed_by is not None
            for entry in freed(alarm, standing.get(equipment_id, ()), now=now, actor_id=actor)
        ]
        await self._speaking.announce(session, moves)

    async def _tell(self, session: AsyncSession, lockout: Inhibition) -> None:
        await publish(
            session,
            LockoutChanged(site_id=lockout.site_id, lockout_id=lockout.id, equipment_id=lockout.equipment_id),
        )
