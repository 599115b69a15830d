"""What happened to stored models. Consumers: whoever streams with them, open screens."""

from uuid import UUID

from kit.events import Event


class ModelsChanged(Event, frozen=True, kw_only=True):
    """A lineage has another champion or shadow; whoever holds models looks which it lacks."""

    model_id: UUID


class FreshStartNoted(Event, frozen=True, kw_only=True):
    """What was normal of an equipment before is not any more."""

    equipment_id: UUID
