"""A town with models: predictions, their figures and all that is asked of them over HTTP, on real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from insight.predictions.endpoints import router as insight_router
from insight.predictions.room import build_model_measures
from kit.clock import Clock
from kit.i18n import Texts
from predictive.health.service import HealthService
from predictive.page.endpoints import router as page_router
from predictive.page.service import EquipmentPages
from predictive.predictions.endpoints import STATUS, router
from predictive.predictions.room import build_predictions
from predictive.predictions.settings import PredictionSettings
from predictive.remaining_life.book import RemainingLifeBook
from predictive.streaming.service import WatchService
from predictive.training.endpoints import STATUS as TRAINING_STATUS
from predictive.training.store import ModelStore
from stock.service import StockService
from tests.api import FakeLogins, client_of, make_app
from tests.predictive.predictions.plant import Plant
from tests.ticketing.conftest import town
from tests.ticketing.town import PROFILES, SECRET, Town

__all__ = ["town"]

ROOMS = [
    "predictive", "predictive.health", "predictive.predictions", "predictive.streaming", "predictive.training",
    "ticketing",
]  # fmt: skip


@pytest.fixture
async def plant(town: Town) -> AsyncIterator[Plant]:
    async with town.database.transaction() as session:
        directory = LiveDirectory(await load_directory(session))
    texts, logins, store = Texts.load(["kit", *ROOMS]), FakeLogins(), ModelStore(secret=SECRET, clock=town.clock)
    room = build_predictions(
        alarms=town.alarms, visits=town.room.predicted, directory=directory, profiles=PROFILES, texts=texts,
        settings=PredictionSettings(_env_file=None, fewest_labels=3, group_from=3), clock=town.clock,
        registry=CollectorRegistry(),
    )  # fmt: skip
    measures = build_model_measures(
        predictions=room, store=store, directory=directory, clock=town.clock,
        stock=StockService(catalog=town.catalog, people=town.people, clock=town.clock),
    )  # fmt: skip
    pages = EquipmentPages(
        watches=WatchService(directory, days_needed=7), lives=RemainingLifeBook(directory, town.clock),
        healths=HealthService(directory=directory, profiles=PROFILES, clock=town.clock), predictions=room.service,
        muting=room.muting,
    )  # fmt: skip
    app = make_app(
        town.database, routers=[router, page_router, insight_router], rooms=ROOMS,
        services=[*room.provided, *measures.provided, pages, texts], protocols={Clock: town.clock},
        status={**STATUS, **TRAINING_STATUS}, logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Plant(town, room, measures, store, client, logins, texts, directory)
