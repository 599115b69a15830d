"""Puts together what measures predictions: every object once, by hand."""

from dataclasses import dataclass

from catalog.directory import LiveDirectory
from insight.predictions.measures import PredictionMeasures
from insight.predictions.outcomes import PredictionOutcomes
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.predictions.room import PredictionRoom
from predictive.training.fresh_start import FreshStarts
from predictive.training.store import ModelStore
from stock.service import StockService
from ticketing.outcome_book import OutcomeBook


@dataclass(frozen=True)
class ModelMeasures:
    """`provided`: the services that endpoints ask for by type; `outcomes`: subscribed to orders."""

    measures: PredictionMeasures
    outcomes: PredictionOutcomes

    @property
    def provided(self) -> tuple[object, ...]:
        return (self.measures,)

    def sweeps(self) -> tuple[Sweep, ...]:
        return *self.measures.sweeps(), *self.outcomes.sweeps()


def build_model_measures(
    *, predictions: PredictionRoom, store: ModelStore, stock: StockService, directory: LiveDirectory, clock: Clock
) -> ModelMeasures:
    outcomes = OutcomeBook()
    return ModelMeasures(
        measures=PredictionMeasures(
            predictions=predictions.service, muting=predictions.muting, store=store, outcomes=outcomes,
            directory=directory, settings=predictions.settings, clock=clock,
        ),
        outcomes=PredictionOutcomes(
            ending=predictions.ending, outcomes=outcomes, stock=stock, fresh=FreshStarts(),
            settings=predictions.settings, clock=clock,
        ),
    )  # fmt: skip
