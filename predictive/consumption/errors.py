"""Refusals about meters. Their words are in `predictive/consumption/locales/`."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class NoMeter(DomainError):
    """The equipment counts nothing: it is of another kind, or has no register among its points."""

    equipment_id: UUID


@dataclass(eq=False)
class NoMetersAtSite(DomainError):
    """No such site for the caller, or one without a meter."""

    site_id: UUID
