"""What somebody may ask about their data, and what is let go of in time. Services never commit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.personal import Holder, Subject
from kit.sweeps import Sweep
from privacy import repository
from privacy.archive import archive
from privacy.errors import ConsentOutdated, ErasureRefused, NoConsent, PurposeUnknown
from privacy.models import Consent, PersonalDataRequest
from privacy.purposes import Basis, Purpose
from privacy.settings import PrivacySettings

DAILY = "40 18 * * *"  # UTC: at night in China
MOST_SHOWN = 500
ROWS_AT_ONCE = 10_000

Openids = Callable[[AsyncSession, UUID], Awaitable[Sequence[str]]]


class PrivacyService:
    def __init__(
        self, *, holders: Sequence[Holder], openids: Openids, purposes: Mapping[str, Purpose],
        settings: PrivacySettings, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        """`holders` in the order in which they erase: who is found by what another holds comes before it."""
        self._holders = holders
        self._openids = openids
        self.purposes = purposes
        self._settings = settings
        self._clock = clock
        self._forgotten = Counter(
            "hub_personal_data_forgotten", "Rows whose personal data was let go of when its time was over.", ["kind"],
            registry=registry,
        )  # fmt: skip

    async def export(self, session: AsyncSession, person_id: UUID, *, by: UUID) -> bytes:
        """A ZIP of everything that is held of somebody."""
        subject = await self._subject(session, person_id)
        holdings = {holder.name: await holder.export(session, subject) for holder in self._holders}
        given = [
            {
                "purpose": row.purpose, "version": row.version, "given_at": row.given_at.isoformat(),
                "channel": row.channel, "withdrawn_at": row.withdrawn_at.isoformat() if row.withdrawn_at else None,
            }
            for row in await repository.consents(session, person_id)
        ]  # fmt: skip
        rows = {table: len(found) for held in holdings.values() for table, found in held.rows.items()}
        self._note(session, person_id, kind="export", by=by, rows=rows)
        return archive(holdings, given, made_at=self._clock.now())

    async def erase(self, session: AsyncSession, person_id: UUID, *, by: UUID) -> dict[str, int]:
        """Erases what is held of somebody; rows by table. Raises ErasureRefused while something must be kept."""
        subject = await self._subject(session, person_id)
        duties = [duty for holder in self._holders for duty in await holder.duties(session, subject)]
        if duties:
            raise ErasureRefused.of(duties)
        rows: dict[str, int] = {}
        for holder in self._holders:
            rows |= await holder.erase(session, subject)
        for given in await repository.consents(session, person_id):
            given.withdrawn_at = given.withdrawn_at or self._clock.now()
            given.withdrawn_channel = given.withdrawn_channel or "erasure"
        self._note(session, person_id, kind="erasure", by=by, rows=rows)
        return rows

    async def requests(self, session: AsyncSession) -> Sequence[PersonalDataRequest]:
        return await repository.requests(session, limit=MOST_SHOWN)

    # --- consent ---------------------------------------------------------------------------------------------------

    async def consents(self, session: AsyncSession, person_id: UUID) -> Sequence[Consent]:
        return await repository.consents(session, person_id)

    async def agree(
        self, session: AsyncSession, person_id: UUID, *, purpose: str, version: int, channel: str
    ) -> Consent:
        """Again to the same version: nothing changes. Raises PurposeUnknown, ConsentOutdated."""
        wanted = self._by_consent(purpose)
        assert wanted.version is not None
        if version != wanted.version:
            raise ConsentOutdated(given_version=version, version=wanted.version)
        standing = await repository.consent(session, person_id=person_id, purpose=purpose)
        if standing is not None and standing.version == version:
            return standing
        now = self._clock.now()
        if standing is not None:
            standing.withdrawn_at, standing.withdrawn_channel = now, "renewed"
            await session.flush()
        given = Consent(
            person_id=person_id, purpose=purpose, version=version, given_at=now, channel=channel, withdrawn_at=None,
            withdrawn_channel=None,
        )  # fmt: skip
        session.add(given)
        await session.flush()
        return given

    async def withdraw(self, session: AsyncSession, person_id: UUID, *, purpose: str, channel: str) -> Consent:
        """Raises PurposeUnknown, NoConsent."""
        self._by_consent(purpose)
        standing = await repository.consent(session, person_id=person_id, purpose=purpose)
        if standing is None:
            raise NoConsent(purpose)
        standing.withdrawn_at, standing.withdrawn_channel = self._clock.now(), channel
        return standing

    async def has_agreed(self, session: AsyncSession, person_id: UUID, purpose: str) -> bool:
        """Whether somebody agreed to the text as it is now. Raises PurposeUnknown."""
        wanted = self._by_consent(purpose)
        standing = await repository.consent(session, person_id=person_id, purpose=purpose)
        return standing is not None and standing.version == wanted.version

    # --- time ------------------------------------------------------------------------------------------------------

    def sweeps(self) -> list[Sweep]:
        return [Sweep("privacy.forget", DAILY, self.forget)]

    async def forget(self, session: AsyncSession) -> bool:
        """Lets go of rows whose time is over, and counts them. Whether there may be more: no transaction takes more
        than ROWS_AT_ONCE of a kind, so that a backlog of years neither holds rows for long nor is begun anew."""
        for holder in self._holders:
            for kind in sorted(holder.kinds):
                before = self._clock.now() - timedelta(days=self._settings.days(kind))
                count = await holder.forget(session, kind, before=before, limit=ROWS_AT_ONCE)
                self._forgotten.labels(kind).inc(count)
                if count >= ROWS_AT_ONCE:
                    return True
        return False

    def retention(self) -> dict[str, int]:
        """Days by kind."""
        kinds = sorted({kind for holder in self._holders for kind in holder.kinds})
        return {kind: self._settings.days(kind) for kind in kinds}

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _subject(self, session: AsyncSession, person_id: UUID) -> Subject:
        return Subject(person_id, tuple(await self._openids(session, person_id)))

    def _by_consent(self, code: str) -> Purpose:
        purpose = self.purposes.get(code)
        if purpose is None or purpose.basis is not Basis.CONSENT:
            known = [each.code for each in self.purposes.values() if each.basis is Basis.CONSENT]
            raise PurposeUnknown(purpose=code, known=known)
        return purpose

    def _note(self, session: AsyncSession, person_id: UUID, *, kind: str, by: UUID, rows: Mapping[str, Any]) -> None:
        now = self._clock.now()
        session.add(PersonalDataRequest(person_id=person_id, asked_by=by, kind=kind, at=now, rows=dict(rows)))
