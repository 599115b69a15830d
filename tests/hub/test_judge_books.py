"""The judge's books on a real PostgreSQL that is away in one way or another: detections wait, none is given up."""

import asyncio

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg import errors

from alarms.publication import AlarmPublication
from bus.lease import PartitionLeases
from catalog.profiles import load_profiles
from hub.judge_books import JudgeBooks, is_outage
from hub.judge_meters import JudgeMeters
from hub.partition_mark import PartitionMark, Reached
from kit.clock import SystemClock
from kit.db import Database, plain_url
from kit.i18n import Texts
from rules.service import RuleService
from tests.alarms.place import ROOT, small_site
from tests.conftest import LIVENESS_S


class Panel:
    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Nobody listens."""


async def test_a_database_that_may_only_be_read_for_a_while_costs_no_detection(
    database: Database, database_url: str
) -> None:
    place = await small_site(database)
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    rules = RuleService(profiles, place.directory, Texts.load(["kit", "rules", "alarms"]), SystemClock())
    meters = JudgeMeters(CollectorRegistry())
    publication = AlarmPublication(Panel(), database.transaction, SystemClock(), CollectorRegistry())
    async with PartitionLeases(database_url, owner="judge") as leases:
        await leases.rebalance([1])
        books = JudgeBooks(database, place.alarms, rules, leases, publication, meters)
        mark = PartitionMark(partition=1, epoch=leases.held()[1], life_safety=True)
        mark.reached = Reached(5, 0)
        await _may_be_written(database_url, may=False)
        committing = asyncio.create_task(books.commit([(mark, [place.smoke()])]))
        await asyncio.sleep(1.0)
        waits = not committing.done()
        await _may_be_written(database_url, may=True)
        await asyncio.wait_for(committing, LIVENESS_S)
    assert waits
    assert meters.unfit._value.get() == 0
    async with await psycopg.AsyncConnection.connect(plain_url(database_url)) as connection:
        assert await (await connection.execute("SELECT count(*) FROM alarm")).fetchone() == (1,)


async def _may_be_written(database_url: str, *, may: bool) -> None:
    """Of connections made from now on: as on a server that another has not yet made the first one."""
    only_reading = "off" if may else "on"
    async with await psycopg.AsyncConnection.connect(
        plain_url(database_url), autocommit=True, options="-c default_transaction_read_only=off"
    ) as connection:
        name = connection.info.dbname
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {only_reading}")


def aborted(by: Exception | None) -> errors.PipelineAborted:
    """As the driver tells it: what came after the failure in its place."""
    told = errors.PipelineAborted("pipeline aborted")
    told.__context__ = by
    return told


@pytest.mark.parametrize(
    "error",
    [
        errors.AdminShutdown(), errors.CrashShutdown(), errors.CannotConnectNow(), errors.DiskFull(),
        errors.IdleInTransactionSessionTimeout(), errors.TransactionTimeout(), errors.ReadOnlySqlTransaction(),
        psycopg.InterfaceError("the connection is closed"), ConnectionResetError(), aborted(errors.AdminShutdown()),
        aborted(errors.IdleInTransactionSessionTimeout()), aborted(aborted(errors.ReadOnlySqlTransaction())),
    ],
    ids=repr,
)  # fmt: skip
def test_a_database_that_is_away_or_overcome_is_worth_trying_again(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [errors.CheckViolation(), errors.UntranslatableCharacter(), aborted(errors.CheckViolation()), aborted(None)],
    ids=repr,
)
def test_what_the_database_will_never_have_is_not_tried_again(error: Exception) -> None:
    assert not is_outage(error)
