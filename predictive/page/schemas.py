"""Wire shape of an equipment's page."""

from kit.http import Schema
from predictive.health.schemas import EquipmentHealthOut
from predictive.predictions.schemas import PredictionMutingOut, PredictionOut
from predictive.remaining_life.schemas import RemainingLifeOut
from predictive.streaming.schemas import EquipmentWatchOut


class EquipmentPageOut(Schema):
    """`watch`: whether models judge it, or what they wait for. `health`: 0…100 with what takes it away, and its place
    among its like. `remaining_life`: what wears, the heaviest first. `predictions`: the last ones, open and over, with
    what they turned out to be. `mutings`: methods that raise nothing for its kind at its site, and why."""

    watch: EquipmentWatchOut
    health: EquipmentHealthOut
    remaining_life: list[RemainingLifeOut]
    predictions: list[PredictionOut]
    mutings: list[PredictionMutingOut]
