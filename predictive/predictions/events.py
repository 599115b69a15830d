"""What happened to predictions. Consumers: ticketing by way of the hub, and open screens."""

from uuid import UUID

from kit.events import Event


class PredictionChanged(Event, frozen=True, kw_only=True):
    """It was opened, raised, ordered, found anew with other figures, or ended: for screens."""

    prediction_id: UUID
    equipment_id: UUID
    state: str


class PredictionWithdrawn(Event, frozen=True, kw_only=True):
    """The evidence of a prediction that was an alarm went, or nobody found it again: what was ordered for it and not
    begun is not needed. `why`: its last state."""

    prediction_id: UUID
    alarm_id: UUID
    equipment_id: UUID
    why: str


class ModelMuted(Event, frozen=True, kw_only=True):
    """A method makes no alarms and orders any more for a kind of equipment at the site, until a person lifts it."""

    muting_id: UUID
    method: str
    equipment_kind: str


class ModelUnmuted(Event, frozen=True, kw_only=True):
    muting_id: UUID
    method: str
    equipment_kind: str
