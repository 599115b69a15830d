"""Proof over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.access import STAFF
from kit.http import Session, service
from ticketing.callers import Reader
from ticketing.proof.schemas import ProofOut
from ticketing.proof.service import ProofService

router = APIRouter(prefix="/api/v1", tags=["work orders"])

Proofs = Annotated[ProofService, Depends(service(ProofService))]


@router.get("/work-orders/{work_order_id}/proofs", response_model=list[ProofOut])
async def list_work_order_proofs(
    work_order_id: UUID, session: Session, proofs: Proofs, caller: Reader
) -> list[ProofOut]:
    """What telemetry said each time the work was said to be done, newest first, with the points to draw."""
    found = await proofs.of_order(session, caller.scope(*STAFF), work_order_id)
    return [ProofOut.of(row) for row in found]
