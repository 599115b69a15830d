"""What telemetry said about an order. Consumers: the chart that is kept with it, figures, rules on orders."""

from datetime import datetime
from uuid import UUID

from kit.events import Event


class ProofDecided(Event, frozen=True, kw_only=True):
    """A verdict fell. `verdict`: verified, refuted or unproved; `doubt` says why, of what is unproved."""

    work_order_id: UUID
    proof_id: UUID
    verdict: str
    doubt: str | None = None
    at: datetime
