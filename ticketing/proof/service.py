"""What telemetry said of an order, for whoever may see the order."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import repository
from ticketing.errors import WorkOrderNotFound
from ticketing.proof import repository as proof_repository
from ticketing.proof.models import OrderProof


class ProofService:
    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> Sequence[OrderProof]:
        """Every verdict, the newest first. Raises WorkOrderNotFound."""
        if await repository.order(session, scope, work_order_id) is None:
            raise WorkOrderNotFound(work_order_id)
        return await proof_repository.of_order(session, scope, work_order_id)
