"""How the points behind a verdict went, kept with it; apart from the verdict, which waits for no chart."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.service import AlarmService
from kit.access import Scope
from kit.events import publish
from ticketing import repository
from ticketing.events import WorkOrderChanged
from ticketing.proof import repository as proof_repository
from ticketing.proof.events import ProofDecided
from ticketing.proof.evidence import ChartLine, ProofSource
from ticketing.proof.proving import alarms_behind, suspect_of


class Charts:
    def __init__(self, source: ProofSource, alarms: AlarmService) -> None:
        self._source = source
        self._alarms = alarms

    async def on_proof_decided(self, session: AsyncSession, event: ProofDecided) -> None:
        """Asks for the points from as long before "done" as the window is long, to the verdict.

        Fails while the store is away, so that the job is tried again.
        """
        proof = await proof_repository.proof(session, event.proof_id)
        order = await repository.order(session, Scope.everywhere(), event.work_order_id)
        if proof is None or order is None or proof.chart is not None:
            return
        suspects = [suspect_of(alarm) for alarm in await alarms_behind(session, self._alarms, order.id)]
        start = proof.began_at - timedelta(minutes=order.proof_window_min)
        lines = await self._source.chart(session, suspects, start=start, end=proof.decided_at + timedelta(seconds=1))
        proof.chart = [as_json(line) for line in lines]
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def as_json(line: ChartLine) -> dict[str, Any]:
    """As it is kept: times in ISO 8601, UTC."""
    return {
        "key": line.key, "name": line.name, "unit": line.unit, "decimals": line.decimals,
        "at": [moment.isoformat() for moment in line.at], "avg": list(line.avg), "low": list(line.low),
        "high": list(line.high), "bad": list(line.bad),
    }  # fmt: skip
