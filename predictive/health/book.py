"""Where the line leaves what its detectors said, to be reckoned with later."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from predictive.health import repository
from predictive.health.tally import EvidenceSum


class HealthBook:
    async def keep(self, session: AsyncSession, sums: Sequence[EvidenceSum]) -> None:
        """Adds to what is kept; in a transaction of its own, never in one that alarms wait for."""
        await repository.add_evidence(session, sums)
