"""Every drop is counted, known to the table, explained, and brought together from all processes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from hub.drop_endpoints import router
from hub.drop_tally import DropTallies
from hub.drops import DROPS, NO_DROPS
from hub.texts import load_texts
from kit.access import Role
from kit.clock import FakeClock
from kit.db import Database
from kit.i18n import Language
from tests.api import FakeLogins, client_of, make_app

ROOT = Path(__file__).parents[2]
ROOMS = (
    "kit", "building", "bus", "catalog", "device_adapters", "telemetry", "rules", "predictive", "alarms", "ticketing",
    "people", "connectors", "knowledge", "notify", "owner_services", "automation", "linkage", "insight", "privacy",
    "hub",
)  # fmt: skip
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
COUNTER = re.compile(r"Counter\(\s*\"([a-z0-9_]+)\"")


def counters_in_the_code() -> set[str]:
    sources = (file.read_text("utf-8") for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return {name.removesuffix("_total") for source in sources for name in COUNTER.findall(source)}


def test_every_counter_is_a_drop_or_said_to_be_none() -> None:
    assert counters_in_the_code() == {drop.counter for drop in DROPS} | NO_DROPS


def test_every_drop_says_what_it_means_and_what_to_do() -> None:
    texts = load_texts()
    for drop in DROPS:
        for language in Language:
            for words in ("title", "meaning", "action"):
                assert texts.text(f"hub.drops.{drop.counter}.{words}", language)


def test_the_page_for_operators_has_every_counter() -> None:
    page = (ROOT / "docs" / "counters.md").read_text("utf-8")
    rows = {(name, kind) for name, kind in re.findall(r"^\| `([a-z0-9_]+)_total` \| (\w+) \|", page, re.MULTILINE)}
    assert rows == {(drop.counter, drop.kind.value) for drop in DROPS}


class Process:
    """A process that counts, with a registry of its own."""

    def __init__(self, database: Database, clock: FakeClock, name: str) -> None:
        self.registry = CollectorRegistry()
        self.refused = Counter("hub_intake_refused", "…", ["reason"], registry=self.registry)
        self.sent = Counter("hub_notifications", "…", ["channel", "outcome"], registry=self.registry)
        self.fine = Counter("hub_intake_readings", "…", ["line"], registry=self.registry)
        self.tallies = DropTallies(database, self.registry, clock, process=name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


async def told(database: Database, process: Process, logins: FakeLogins) -> dict[str, dict[str, object]]:
    services = [process.tallies, load_texts()]
    app: FastAPI = make_app(database, routers=[router], rooms=["hub"], services=services, status={}, logins=logins)
    async with client_of(app, token=logins.add(Role.MANAGER)) as client:
        answer = await client.get("/api/v1/system/drops")
    assert answer.status_code == 200, answer.text
    return {row["counter"]: row for row in answer.json()}


async def test_what_several_processes_count_comes_together(
    database: Database, clock: FakeClock, logins: FakeLogins
) -> None:
    one, two = Process(database, clock, "a adapters"), Process(database, clock, "b adapters")
    one.refused.labels("bad_json").inc(3)
    one.fine.labels("readings").inc(1_000)
    two.refused.labels("bad_json").inc(2)
    two.sent.labels("sms", "sent").inc(9)
    two.sent.labels("sms", "failed").inc()
    for process in (one, two, one):
        await process.tallies.write()
    rows = await told(database, one, logins)
    assert list(rows) == [f"{drop.counter}_total" for drop in DROPS]
    refused = rows["hub_intake_refused_total"]
    assert (refused["kind"], refused["last_24h"], refused["last_7d"]) == ("refused", 5, 5)
    assert [(place["process"], place["labels"]) for place in refused["places"]] == [  # type: ignore[attr-defined]
        ("a adapters", {"reason": "bad_json"}), ("b adapters", {"reason": "bad_json"}),
    ]  # fmt: skip
    assert rows["hub_notifications_total"]["last_7d"] == 1
    assert rows["judge_poison_batches_total"]["last_at"] is None


async def test_a_process_that_starts_anew_adds_to_what_it_counted_before(
    database: Database, clock: FakeClock, logins: FakeLogins
) -> None:
    before = Process(database, clock, "a all")
    before.refused.labels("bad_json").inc(4)
    await before.tallies.write()
    clock.advance(seconds=2 * 86_400)
    after = Process(database, clock, "a all")
    after.refused.labels("bad_json").inc()
    await after.tallies.write()
    row = (await told(database, after, logins))["hub_intake_refused_total"]
    assert (row["last_24h"], row["last_7d"]) == (1, 5)


async def test_what_is_older_than_90_days_is_forgotten(
    database: Database, clock: FakeClock, logins: FakeLogins
) -> None:
    process = Process(database, clock, "a all")
    process.refused.labels("bad_json").inc()
    await process.tallies.write()
    clock.advance(seconds=91 * 86_400)
    async with database.transaction() as session:
        await process.tallies.sweep(session)
    clock.advance(seconds=-91 * 86_400)
    assert (await told(database, process, logins))["hub_intake_refused_total"]["last_7d"] == 0


async def test_owners_do_not_see_it(database: Database, clock: FakeClock, logins: FakeLogins) -> None:
    process = Process(database, clock, "a all")
    services = [process.tallies, load_texts()]
    app = make_app(database, routers=[router], rooms=["hub"], services=services, status={}, logins=logins)
    async with client_of(app, token=logins.add(Role.OWNER)) as client:
        assert (await client.get("/api/v1/system/drops")).status_code == 403
