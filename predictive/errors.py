"""Refusals of the whole room. Their words are in `locales/`; those of a part are in the part."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class NotWatched(DomainError):
    """Nothing is known of this equipment here: it is not in the catalog, or at a site of others."""

    equipment_id: UUID
