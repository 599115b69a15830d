"""A town with models, for stories of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
from sqlalchemy import select

from alarms.models import Alarm
from catalog.directory import LiveDirectory
from hub.predicted_orders import PredictedOrdersEnd
from insight.predictions.outcomes import says_something
from insight.predictions.room import ModelMeasures
from kit.access import Role, Scope
from kit.clock import to_ms
from kit.events import Subscription, on
from kit.i18n import Texts
from kit.ids import new_id
from predictive.predictions.events import PredictionWithdrawn
from predictive.predictions.finding import DaysLeft, Finding, Method, PointEvidence
from predictive.predictions.models import Prediction
from predictive.predictions.room import PredictionRoom
from predictive.training.card import Draft, Family, ModelCard
from predictive.training.packing import pack_arrays
from predictive.training.store import ModelStore
from stock.models import Part, StockMovement, Storehouse
from tests.api import FakeLogins
from tests.ticketing.town import NOON, Town
from ticketing.events import WorkOrderMoved
from ticketing.flow import Action
from ticketing.kinds import ClosingCode, OrderState
from ticketing.words import Words

DAY = timedelta(days=1)
PUMP, LIFT = "PUMP-01", "LIFT-01"


@dataclass
class Plant:
    """The town with models. `find` is what a model says, `hear` lets everybody hear of what came of it."""

    town: Town
    room: PredictionRoom
    measures: ModelMeasures
    store: ModelStore
    client: httpx.AsyncClient
    logins: FakeLogins
    texts: Texts
    directory: LiveDirectory

    def finding(self, code: str = PUMP, mode: str = "bearing_wear", **changes: Any) -> Finding:
        now_ms = to_ms(self.town.clock.now())
        said = Finding(
            site_id=self.town.site_id, equipment_id=self.town.equipment[code], method=Method.DRIFT, mode=mode,
            at_ms=now_ms, since_ms=now_ms - 9 * 86_400_000, confidence=0.9, score=1.8,
            days_left=DaysLeft(low=10, median=16, high=24),
            points=(
                PointEvidence(
                    point_key="vibration_mm_s", share=0.8, value=4.1, usual=2.97, since_ms=now_ms - 9 * 86_400_000,
                    peers_low=2.6, peers_high=3.0,
                ),
            ),
        )  # fmt: skip
        return replace(said, **changes)

    async def find(self, *findings: Finding) -> None:
        async with self.town.database.transaction() as session:
            await self.room.intake.take(session, findings)
        await self.hear()

    def subscriptions(self) -> Sequence[Subscription]:
        ends = PredictedOrdersEnd(self.room.service, self.town.room.predicted, self.texts)
        return (
            on(PredictionWithdrawn, ends.on_withdrawn),
            on(WorkOrderMoved, self.measures.outcomes.on_order_moved, when=says_something),
        )

    async def hear(self) -> None:
        """Hands out every event not handed out yet, and what that brings; twice each, as a broken worker would."""
        town = self.town
        while town.delivered < len(town.outbox.events):
            event = town.outbox.events[town.delivered]
            town.delivered += 1
            await town.hand_out(event)
            for one in self.subscriptions():
                if one.event is type(event) and (one.when is None or one.when(event)):
                    for _ in range(2):
                        async with town.database.transaction() as session:
                            await one.handler(session, event)

    async def act(
        self, order_id: Any, action: Action, words: Words | None = None, *, who: str = "pump_engineer"
    ) -> None:  # fmt: skip
        role = Role.DISPATCHER if who == "dispatcher" else Role.ENGINEER
        async with self.town.database.transaction() as session:
            await self.town.room.service.act(
                session, Scope.of(self.town.site_id), order_id, actor=self.town.actor(who, role),
                action=action, words=words or Words(),
            )  # fmt: skip
        await self.hear()

    async def finish(self, code: ClosingCode, *, who: str = "pump_engineer", **words: Any) -> None:
        over = (OrderState.DONE, OrderState.CANCELLED)
        order = next(one for one in await self.town.orders() if one.state not in over and one.settled_at is None)
        if order.assignee_id is None:
            given = Words(assignee_id=self.town.person[who])
            await self.act(order.id, Action.DISPATCH, given, who="dispatcher")
        await self.act(order.id, Action.ACCEPT, who=who)
        await self.act(order.id, Action.ARRIVE, who=who)
        await self.act(order.id, Action.FINISH, Words(closing_code=code, note="看过了", **words), who=who)

    async def take_parts(self, order_id: Any, count: int) -> None:
        """So many bearings of the store went into this order."""
        site_id, at = self.town.site_id, self.town.clock.now()
        house, part = new_id(), new_id()
        async with self.town.database.transaction() as session:
            session.add(Storehouse(id=house, site_id=site_id, code=f"H{house}", name="库房"))
            session.add(Part(id=part, site_id=site_id, code=f"B{part}", name="轴承", model="", unit="个"))
            await session.flush()
            for _ in range(count):
                session.add(
                    StockMovement(
                        site_id=site_id, storehouse_id=house, part_id=part, kind="use", quantity=1, on_hand_change=-1,
                        reserved_change=0, value_change=-80, on_hand_after=4, reserved_after=0, average_cost_after=80,
                        work_order_id=order_id, at=at,
                    )
                )  # fmt: skip

    async def rows(self) -> Sequence[Prediction]:
        async with self.town.database.transaction() as session:
            return (await session.scalars(select(Prediction).order_by(Prediction.opened_at, Prediction.id))).all()

    async def alarms(self) -> Sequence[Alarm]:
        async with self.town.database.transaction() as session:
            return (await session.scalars(select(Alarm).where(Alarm.source == "prediction"))).all()

    async def ask(self, method: str, path: str, *, role: Role = Role.MANAGER, **more: Any) -> Any:
        answer = await self.answer(method, path, role=role, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def answer(self, method: str, path: str, *, role: Role = Role.MANAGER, **more: Any) -> httpx.Response:
        person = self.town.person["manager"]
        token = self.logins.add(role, site_id=self.town.site_id, person_id=person)
        return await self.client.request(
            method, f"/api/v1{path}", headers={"authorization": f"Bearer {token}"}, **more
        )  # fmt: skip

    async def model(self, at: str) -> ModelCard:
        draft = Draft(
            site_id=self.town.site_id, family=Family.DETECTORS, subject="pumps", data_from=NOON - 30 * DAY,
            data_until=NOON, packed=pack_arrays({"mean": np.array([float(len(at))])}),
        )  # fmt: skip
        async with self.town.database.transaction() as session:
            return await self.store.save(session, draft)
