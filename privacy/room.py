"""Puts the room together; the hub says who holds personal data."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from kit.clock import Clock
from kit.personal import Holder
from privacy.purposes import shipped
from privacy.service import Openids, PrivacyService
from privacy.settings import PrivacySettings


@dataclass(frozen=True)
class PrivacyRoom:
    service: PrivacyService


def build_privacy(
    *, holders: Sequence[Holder], openids: Openids, settings: PrivacySettings, clock: Clock, registry: CollectorRegistry
) -> PrivacyRoom:
    """`holders`: those who are found by what another holds come before it."""
    service = PrivacyService(
        holders=holders, openids=openids, purposes=shipped(), settings=settings, clock=clock, registry=registry
    )
    return PrivacyRoom(service)
