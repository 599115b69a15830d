"""Puts the line of models together: every object once, by hand."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from bus.client import Bus
from bus.sharing import WorkShare
from catalog.directory import LiveDirectory
from kit.clock import Clock
from kit.db import Database
from predictive.detectors.ensemble import Ensemble
from predictive.settings import PredictiveSettings
from predictive.streaming.books import Evidence, StreamBooks, Taking
from predictive.streaming.library import Library
from predictive.streaming.line import PredictLine
from predictive.streaming.meters import StreamMeters
from predictive.streaming.past import Past
from predictive.streaming.saying import Sayings
from predictive.training.fresh_start import FreshStarts
from predictive.training.store import ModelStore
from telemetry.store import TelemetryQueries


@dataclass(frozen=True)
class Streaming:
    """`line` is for the process that judges by models."""

    database: Database
    directory: LiveDirectory
    queries: TelemetryQueries
    store: ModelStore
    fresh_starts: FreshStarts
    taking: Taking
    evidence: Evidence
    settings: PredictiveSettings
    learning_days: float
    clock: Clock
    registry: CollectorRegistry

    def line(self, bus: Bus, share: WorkShare) -> PredictLine:
        meters = StreamMeters(self.registry)
        transaction = self.database.transaction
        return PredictLine(
            bus=bus, share=share, directory=self.directory,
            library=Library(self.store, self.fresh_starts, transaction, meters),
            books=StreamBooks(transaction, self.taking, self.evidence, self.clock, meters),
            past=Past(bus, self.queries, meters), judging=Ensemble(),
            sayings=Sayings(days_needed=self.learning_days), look_every_s=self.settings.look_every_s,
            lateness_s=self.settings.lateness_s, clock=self.clock, meters=meters,
        )  # fmt: skip
