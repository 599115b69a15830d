"""Readings over HTTP: values, series, CSV; each behind the scope of its site; bad input is never a 500."""

import csv
import io
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

import catalog.endpoints
from building.quality import Quality
from building.reading import Reading, ReadingBatch
from catalog.directory import LiveDirectory
from catalog.profiles import load_profiles
from kit.access import Role
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.ids import new_id
from telemetry import endpoints
from telemetry.errors import StoreUnavailable
from telemetry.service import TelemetryService
from telemetry.store import Series, SeriesQuery, TelemetryStore
from tests.api import FakeLogins, client_of, make_app
from tests.contracts.engines import CHDB, DUCKDB, INFLUXDB, Engines
from tests.telemetry.site import DIRECTORY, HERE, OTHER_PUMP, OTHER_TEMP, PUMP, RUNNING, TEMP

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
NOW_MS = to_ms(NOW)
PROFILES = load_profiles(Path(__file__).parents[2] / "device_adapters" / "profiles")
PERIOD = {"start": "2026-11-22T13:00:00+08:00", "end": "2026-11-22T14:00:00+08:00"}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("engines"))
    with engines.stack:
        yield engines


@pytest.fixture(params=[DUCKDB, INFLUXDB, CHDB])
async def store(engines: Engines, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[TelemetryStore]:
    async with engines.open(request.param, tmp_path) as store:
        yield store


def service_on(queries: Any) -> TelemetryService:
    return TelemetryService(
        queries=queries, directory=LiveDirectory(DIRECTORY), profiles=PROFILES, clock=FakeClock(NOW)
    )


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


class NoDatabase:
    """Telemetry asks no database; only the caller's session passes by."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield None


def app_on(queries: Any, logins: FakeLogins) -> Any:
    status = catalog.endpoints.STATUS | endpoints.STATUS
    database = cast(Database, NoDatabase())
    return make_app(
        database,
        protocols={Database: database},
        routers=[endpoints.router],
        rooms=["catalog", "telemetry"],
        services=[service_on(queries)],
        status=status,
        logins=logins,
    )


@pytest.fixture
async def client(store: TelemetryStore, logins: FakeLogins) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_on(store, logins), token=logins.add(Role.ENGINEER, site_id=HERE)) as client:
        yield client


async def readings(store: TelemetryStore) -> None:
    temperatures = [Reading(TEMP, NOW_MS - 60_000 * n, 60.0 + n) for n in range(1, 31)]
    other = [Reading(RUNNING, NOW_MS - 5_000, 1.0), Reading(OTHER_TEMP, NOW_MS - 1, 50.0)]
    down = Reading(TEMP, NOW_MS - 2_000, math.nan, Quality.DOWN)
    await store.append([(1, ReadingBatch.of([*temperatures, *other, down]))])


async def test_the_latest_values_of_an_equipment_have_word_unit_quality_and_age(
    client: httpx.AsyncClient, store: TelemetryStore
) -> None:
    await readings(store)
    answer = await client.get("/api/v1/points/latest", params={"equipment": str(PUMP.equipment_id)})
    assert answer.status_code == 200
    temperature, running = answer.json()
    assert (temperature["value"], temperature["quality"], temperature["unit"]) == (None, "down", "°C")
    assert (temperature["name"], temperature["age_s"], temperature["is_overdue"]) == ("轴承温度", 2.0, False)
    assert (running["value"], running["label"], running["quality"]) == (1.0, "运行", "ok")
    assert running["ts"] == "2026-11-22T05:59:55Z"
    english = await client.get("/api/v1/points/latest?point=12", headers={"accept-language": "en"})
    assert [(value["name"], value["label"]) for value in english.json()] == [("Running", "running")]


async def test_a_point_that_never_spoke_is_listed_as_unknown(client: httpx.AsyncClient) -> None:
    (value,) = (await client.get("/api/v1/points/latest", params={"point": TEMP})).json()
    assert (value["value"], value["ts"], value["age_s"], value["quality"]) == (None, None, None, "unknown")
    assert value["is_overdue"] is True


async def test_zero_is_shown_as_zero(client: httpx.AsyncClient, store: TelemetryStore) -> None:
    await store.append([(1, ReadingBatch.of([Reading(RUNNING, NOW_MS, 0.0)]))])
    (value,) = (await client.get("/api/v1/points/latest", params={"point": RUNNING})).json()
    assert (value["value"], value["label"]) == (0.0, "停止")


async def test_a_series_has_buckets_of_the_width_asked(client: httpx.AsyncClient, store: TelemetryStore) -> None:
    await readings(store)
    answer = await client.get(f"/api/v1/points/{TEMP}/series", params={**PERIOD, "bucket": "30m"})
    body = answer.json()
    assert (answer.status_code, body["bucket_s"], body["start"]) == (200, 1800, "2026-11-22T05:00:00Z")
    (row,) = body["rows"]
    assert (row["ts"], row["count"], row["min"], row["max"], row["bad"]) == ("2026-11-22T05:30:00Z", 30, 61.0, 90.0, 1)


async def test_without_a_bucket_the_hub_chooses_one(client: httpx.AsyncClient, store: TelemetryStore) -> None:
    await readings(store)
    body = (await client.get(f"/api/v1/points/{TEMP}/series", params=PERIOD)).json()
    assert body["bucket_s"] == 5
    assert len(body["rows"]) == 31


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/v1/points/latest", {"equipment": str(new_id())}),
        ("/api/v1/points/latest", {"equipment": str(OTHER_PUMP.equipment_id)}),
        ("/api/v1/points/latest", {"point": OTHER_TEMP}),
        ("/api/v1/points/latest", {"point": [TEMP, OTHER_TEMP]}),
        (f"/api/v1/points/{OTHER_TEMP}/series", PERIOD),
        (f"/api/v1/points/{OTHER_TEMP}/series.csv", PERIOD),
        ("/api/v1/points/4242/series", PERIOD),
    ],
)
async def test_what_is_unknown_or_of_another_site_is_not_found(
    client: httpx.AsyncClient, store: TelemetryStore, path: str, params: dict[str, Any]
) -> None:
    await readings(store)
    assert (await client.get(path, params=params)).status_code == 404


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/v1/points/latest", {}),
        ("/api/v1/points/latest", {"point": "x"}),
        ("/api/v1/points/latest", {"point": 2**40}),
        ("/api/v1/points/latest", {"equipment": "x"}),
        ("/api/v1/points/latest", {"point": [TEMP] * 501}),
        ("/api/v1/points/0/series", PERIOD),
        (f"/api/v1/points/{TEMP}/series", {}),
        (f"/api/v1/points/{TEMP}/series", {"start": "2026-11-22T13:00:00", "end": PERIOD["end"]}),
        (f"/api/v1/points/{TEMP}/series", {"start": PERIOD["end"], "end": PERIOD["start"]}),
        (f"/api/v1/points/{TEMP}/series", {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"}),
        (f"/api/v1/points/{TEMP}/series", {**PERIOD, "bucket": "5"}),
        (f"/api/v1/points/{TEMP}/series", {**PERIOD, "bucket": "0m"}),
        (f"/api/v1/points/{TEMP}/series", {**PERIOD, "start": "2026-11-21T00:00:00Z", "bucket": "1s"}),
        (f"/api/v1/points/{TEMP}/series.csv", {**PERIOD, "tz": "Mars/Olympus"}),
        (f"/api/v1/points/{TEMP}/series.csv", {**PERIOD, "tz": "../../etc/passwd"}),
        (f"/api/v1/points/{TEMP}/series.csv", {**PERIOD, "tz": "Asia"}),
        (f"/api/v1/points/{TEMP}/series.csv", {**PERIOD, "tz": "\x00"}),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_with_what_to_do(
    client: httpx.AsyncClient, path: str, params: dict[str, Any]
) -> None:
    answer = await client.get(path, params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"]


async def test_too_many_buckets_names_a_width_that_fits(client: httpx.AsyncClient) -> None:
    params = {"start": "2026-11-21T00:00:00Z", "end": "2026-11-22T00:00:00Z", "bucket": "1s"}
    refusal = (await client.get(f"/api/v1/points/{TEMP}/series", params=params)).json()
    assert (refusal["code"], refusal["facts"]) == (
        "too_many_buckets", {"asked": 86400, "limit": 5000, "smallest_s": 30},
    )  # fmt: skip
    assert "30" in refusal["message"]


async def test_a_width_beyond_any_period_is_one_bucket(client: httpx.AsyncClient, store: TelemetryStore) -> None:
    await readings(store)
    answer = await client.get(f"/api/v1/points/{TEMP}/series", params={**PERIOD, "bucket": "9999999d"})
    assert answer.status_code == 422 or len(answer.json()["rows"]) == 1


def table_of(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_csv_of_buckets_opens_in_excel_with_local_times(
    client: httpx.AsyncClient, store: TelemetryStore
) -> None:
    await readings(store)
    answer = await client.get(f"/api/v1/points/{TEMP}/series.csv", params={**PERIOD, "bucket": "30m"})
    assert table_of(answer) == [
        ["时间", "平均值 (°C)", "最小值 (°C)", "最大值 (°C)", "读数个数", "无效读数个数"],
        ["2026-11-22 13:30:00.000", "75.5", "61", "90", "30", "1"],
    ]
    assert 'filename="PUMP-01-bearing_temp_c.csv"' in answer.headers["content-disposition"]


async def test_a_csv_without_bucket_has_every_reading_and_empty_where_none_is(
    client: httpx.AsyncClient, store: TelemetryStore
) -> None:
    await readings(store)
    params = {**PERIOD, "tz": "UTC"}
    answer = await client.get(f"/api/v1/points/{TEMP}/series.csv", params=params, headers={"accept-language": "en"})
    head, first, *_, last = table_of(answer)
    assert head == ["Time", "Value (°C)", "Quality"]
    assert first == ["2026-11-22 05:30:00.000", "90", "ok"]
    assert last == ["2026-11-22 05:59:58.000", "", "down"]


async def test_an_owner_may_not_read_telemetry_and_nobody_may_without_a_token(
    store: TelemetryStore, logins: FakeLogins
) -> None:
    app = app_on(store, logins)
    async with client_of(app, token=logins.add(Role.OWNER, site_id=HERE)) as owner:
        assert (await owner.get(f"/api/v1/points/latest?point={TEMP}")).status_code == 403
    async with client_of(app) as stranger:
        assert (await stranger.get(f"/api/v1/points/latest?point={TEMP}")).status_code == 401


class AwayStore:
    async def series(self, query: SeriesQuery) -> Series:
        raise StoreUnavailable


async def test_a_history_that_is_away_is_a_503_that_says_so(logins: FakeLogins) -> None:
    app = app_on(AwayStore(), logins)
    async with client_of(app, token=logins.add(Role.MANAGER)) as client:
        answer = await client.get(f"/api/v1/points/{TEMP}/series", params=PERIOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
