"""Settings of predictions."""

from pydantic import Field

from kit.settings import Settings, settings_config
from predictive.predictions.policy import OrderRules


class PredictionSettings(Settings):
    """HUB_PREDICTION_…; the same in every process of an installation."""

    model_config = settings_config("HUB_PREDICTION_")

    alarm_confidence: float = Field(0.5, ge=0, le=1, description="from which confidence on a prediction is an alarm")
    order_confidence: float = Field(
        0.7, ge=0, le=1, description="from which confidence on it may be an order, if waiting costs more than going"
    )
    plan_days: float = Field(
        21.0, ge=1, le=180, description="days from a predicted order to somebody there with the part, at worst"
    )
    expires_days: float = Field(
        3.0, ge=0.1, le=60, description="days after which a prediction that nothing finds any more expires"
    )
    quiet_days: float = Field(
        14.0, ge=0, le=180, description="days for which the same is not raised again after somebody found nothing"
    )
    group_from: int = Field(
        5, ge=2, le=1000, description="from how many predictions of one mode in a building within a day on they share "
        "an order"
    )  # fmt: skip
    least_precision: float = Field(
        0.5, ge=0, le=1, description="a model whose share of right predictions is below that is muted for its kind"
    )
    fewest_labels: int = Field(
        5, ge=1, le=1000, description="how many answered predictions it takes to judge a model by"
    )
    most_false_orders: float = Field(
        2.0, ge=0, le=1000, description="false orders a month of a kind at a site, above which a model is muted"
    )

    @property
    def rules(self) -> OrderRules:
        return OrderRules(
            alarm_confidence=self.alarm_confidence, order_confidence=self.order_confidence, plan_days=self.plan_days
        )
