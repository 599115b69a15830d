"""What ticketing does when a prediction is taken back: neither of the two rooms knows the other."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.i18n import Language, Texts
from predictive.predictions.events import PredictionWithdrawn
from predictive.predictions.service import Predictions
from ticketing.predicted import PredictedOrders


class PredictedOrdersEnd:
    """Subscribed to predictions."""

    def __init__(self, predictions: Predictions, orders: PredictedOrders, texts: Texts) -> None:
        self._predictions = predictions
        self._orders = orders
        self._texts = texts

    async def on_withdrawn(self, session: AsyncSession, event: PredictionWithdrawn) -> None:
        """Calls off the order that nobody has begun; whoever has begun is told."""
        row = await self._predictions.get(session, Scope.everywhere(), event.prediction_id)
        # Notes of the hub on an order are in the language of those who work here.
        language = Language.ZH
        words = str(row.reason[language.value])
        why = self._texts.text(f"predictive.prediction.{event.why}_note", language, reason=words)
        await self._orders.call_off(session, alarm_id=event.alarm_id, why=why)
