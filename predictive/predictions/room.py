"""Puts the part together: every object once, by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from alarms.service import AlarmService
from building.profile import DeviceProfile
from catalog.directory import LiveDirectory
from kit.clock import Clock
from kit.i18n import Texts
from kit.sweeps import Sweep
from predictive.predictions.announcing import Announcing
from predictive.predictions.costing import Costing
from predictive.predictions.ending import Ending
from predictive.predictions.intake import Intake
from predictive.predictions.muting import Muting
from predictive.predictions.reason import Reasons
from predictive.predictions.service import Predictions
from predictive.predictions.settings import PredictionSettings
from predictive.predictions.visits import PlannedVisits


@dataclass(frozen=True)
class PredictionRoom:
    """`intake`: where the other parts bring their findings."""

    settings: PredictionSettings
    intake: Intake
    ending: Ending
    muting: Muting
    costing: Costing
    service: Predictions

    @property
    def provided(self) -> tuple[object, ...]:
        return self.ending, self.muting, self.costing, self.service

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.ending.sweeps()


def build_predictions(
    *, alarms: AlarmService, visits: PlannedVisits, directory: LiveDirectory, profiles: Mapping[str, DeviceProfile],
    texts: Texts, settings: PredictionSettings, clock: Clock, registry: CollectorRegistry,
) -> PredictionRoom:  # fmt: skip
    announcing = Announcing(alarms, clock)
    return PredictionRoom(
        settings=settings,
        intake=Intake(
            announcing=announcing, reasons=Reasons(texts, profiles), visits=visits, directory=directory,
            settings=settings, clock=clock, registry=registry,
        ),
        ending=Ending(announcing, clock),
        muting=Muting(clock),
        costing=Costing(clock),
        service=Predictions(directory),
    )  # fmt: skip
