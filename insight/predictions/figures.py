"""How good each model is, by kind of equipment and site: pure arithmetic over labelled predictions and failures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final
from uuid import UUID

from predictive.predictions.label import PredictionLabel

_MONTH: Final = timedelta(days=30.44)
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class ModelKey:
    """`model_id` None: a method that is not trained. A model on trial is counted apart from the one in use."""

    site_id: UUID
    method: str
    model_id: UUID | None
    kind: str
    is_shadow: bool


@dataclass(frozen=True)
class Case:
    """A prediction as one of its methods counts it.

    is_order: it was work, or would have been but for its being held back. spoke_at: when this method first had enough
    for that, or for an alarm. `label` None: not known yet.
    """

    key: ModelKey
    equipment_id: UUID
    mode: str
    is_order: bool
    spoke_at: datetime
    ended_at: datetime | None
    label: PredictionLabel | None
    labelled_at: datetime | None


@dataclass(frozen=True)
class Failure:
    """A repair for a real fault. `by_prediction`: a prediction's order found it before anybody noticed."""

    site_id: UUID
    kind: str
    equipment_id: UUID
    noticed_at: datetime
    by_prediction: bool


@dataclass(frozen=True)
class ModelFigures:
    """precision: of those that are known to be true or false. recall: of the failures since the model speaks at the
    site, those it had predicted. lead_days: median from its prediction to when others noticed. None: nothing to say it
    of. false_orders_a_month: over the whole kind at the site."""

    key: ModelKey
    predictions: int
    true: int
    false: int
    unknown: int
    precision: float | None
    failures: int
    predicted: int
    prevented: int
    recall: float | None
    lead_days: float | None
    orders: int
    false_orders: int
    false_orders_a_month: float


def figures_of(
    cases: Iterable[Case], failures: Sequence[Failure], *, since: datetime, now: datetime, horizon: timedelta
) -> list[ModelFigures]:
    """Of each model that has spoken, in a stable order. A failure is predicted where the model spoke at most `horizon`
    after its prediction ended."""
    by_model: dict[ModelKey, list[Case]] = defaultdict(list)
    for case in cases:
        by_model[case.key].append(case)
    found = [
        _of_model(key, mine, failures, since=since, now=now, horizon=horizon) for key, mine in by_model.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.key.method, one.key.kind, str(one.key.site_id), str(one.key.model_id)))


def falls_short(
    figures: ModelFigures, *, least_precision: float, fewest_labels: int, most_false_orders: float
) -> bool:  # fmt: skip
    """Whether a model is below its bar: wrong too often, or sending people for nothing too often."""
    answered = figures.true + figures.false
    if answered < fewest_labels:
        return False
    is_imprecise = figures.precision is not None and figures.precision < least_precision
    return is_imprecise or figures.false_orders_a_month > most_false_orders


def _of_model(
    key: ModelKey, cases: Sequence[Case], failures: Sequence[Failure], *, since: datetime, now: datetime,
    horizon: timedelta,
) -> ModelFigures:  # fmt: skip
    labels = [case.label for case in cases]
    true, false = labels.count(PredictionLabel.TRUE), labels.count(PredictionLabel.FALSE)
    start = max(since, min(case.spoke_at for case in cases))
    mine = [one for one in failures if _is_of(one, key) and one.noticed_at >= start]
    predicted = [(one, spoke) for one in mine if (spoke := _spoke_before(one, cases, horizon)) is not None]
    leads = [(one.noticed_at - spoke).total_seconds() / _DAY_S for one, spoke in predicted if not one.by_prediction]
    false_orders = sum(case.is_order and case.label is PredictionLabel.FALSE for case in cases)
    months = max((now - start) / _MONTH, 1.0)
    return ModelFigures(
        key=key, predictions=len(cases), true=true, false=false, unknown=len(cases) - true - false,
        precision=_share(true, true + false), failures=len(mine), predicted=len(predicted),
        prevented=sum(one.by_prediction for one, _ in predicted), recall=_share(len(predicted), len(mine)),
        lead_days=round(median(leads), 2) if leads else None, orders=sum(case.is_order for case in cases),
        false_orders=false_orders, false_orders_a_month=round(false_orders / months, 3),
    )  # fmt: skip


def _is_of(failure: Failure, key: ModelKey) -> bool:
    return failure.site_id == key.site_id and failure.kind == key.kind


def _spoke_before(failure: Failure, cases: Sequence[Case], horizon: timedelta) -> datetime | None:
    spoken = [
        case.spoke_at
        for case in cases
        if case.equipment_id == failure.equipment_id
        and case.spoke_at <= failure.noticed_at
        and (case.ended_at is None or failure.noticed_at <= case.ended_at + horizon)
    ]
    return min(spoken, default=None)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
