"""Brings a database to the schema this release needs."""

import importlib
import importlib.util

import procrastinate.schema
import psycopg
from sqlalchemy import create_engine

from kit.db import Base, async_url, plain_url

ROOMS_WITH_TABLES = (
    "kit",
    "catalog",
    "people",
    "device_adapters",
    "bus",
    "telemetry",
    "rules",
    "alarms",
    "ticketing",
    "notify",
    "owner_services",
)


def upgrade(database_url: str) -> None:
    for room in ROOMS_WITH_TABLES:
        if importlib.util.find_spec(f"{room}.models"):
            importlib.import_module(f"{room}.models")
    engine = create_engine(async_url(database_url))
    Base.metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() == (None,):
            connection.execute(procrastinate.schema.SchemaManager.get_schema())
