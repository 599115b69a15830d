"""A morning at a site: meters are forecast, what looks wrong is told to the predictions and taken back when mended."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import EquipmentNotFound
from kit.access import Role, Scope
from kit.clock import to_ms
from kit.db import Database
from kit.ids import new_id
from predictive.consumption import endpoints, repository
from predictive.consumption.errors import NoMeter
from predictive.consumption.forecast import MeterState
from predictive.consumption.models import MeterForecast
from predictive.consumption.register import HOUR_MS
from predictive.predictions.finding import Finding, Method
from tests.api import FakeLogins, client_of, make_app
from tests.predictive.consumption.conftest import MeterSite
from tests.predictive.consumption.homes import ZONE, homes, plant, shown, start_ms, times

DAYS = 91
HOURS = 84 * 24 + 6
LEAKING, STUCK, YOUNG, SILENT, SLIPPED = "WM-03", "WM-05", "WM-07", "WM-09", "WM-11"


def fill(site: MeterSite, *, leak: bool) -> None:
    uses = homes(24, DAYS, seed=21)
    uses[4] = np.maximum(uses[4], 0.004)
    if leak:
        uses[2, HOURS - 7 * 24 : HOURS] += 0.006
    for place, use in enumerate(uses):
        code, register = f"WM-{place + 1:02}", shown(use)[: _hour(site) + 1]
        ts = times(DAYS * 24)[: len(register)]
        if code == STUCK and leak:
            register[-8 * 24 :] = register[-8 * 24]
        if code == YOUNG:
            register, ts = register[-4 * 24 :], ts[-4 * 24 :]
        if code == SILENT:
            register, ts = register[: -5 * 24], ts[: -5 * 24]
        if code == SLIPPED and leak:
            register[-30:] += 5_000
        site.show(code, ts, register)
    bulk = shown(uses.sum(axis=0) * 1.03, step=0.01)[: _hour(site) + 1]
    site.show("BULK", times(DAYS * 24)[: len(bulk)], bulk)
    kwh = shown(plant(DAYS, seed=5), step=0.01)[: _hour(site) + 1]
    site.show("EM", times(DAYS * 24)[: len(kwh)], kwh)


def _hour(site: MeterSite) -> int:
    return (to_ms(site.clock.now()) - start_ms()) // HOUR_MS


async def run(site: MeterSite, database: Database) -> list[Finding]:
    async with database.transaction() as session:
        day = site.clock.now().astimezone(ZONE).date()
        await repository.begin(session, site_id=site.site_id, day=day, at=site.clock.now())
    async with database.transaction() as session:
        await site.consumption.runs.run(session, site_id=str(site.site_id), day=day.isoformat())
    return site.taken.findings


async def test_a_morning_forecasts_all_meters_and_names_those_that_look_wrong(
    meter_site: MeterSite, database: Database
) -> None:
    site = meter_site
    fill(site, leak=True)
    found = {(one.equipment_id, one.mode): one for one in await run(site, database)}
    wrong = {(LEAKING, "night_leak"), (STUCK, "meter_stuck"), (SLIPPED, "meter_jump")}
    assert {(site.entry(code).equipment_id, mode) for code, mode in wrong} == set(found)
    leak = found[site.entry(LEAKING).equipment_id, "night_leak"]
    assert (leak.method, leak.is_present, leak.points[0].point_key) == (Method.CONSUMPTION, True, "volume_m3")
    assert leak.points[0].value == pytest.approx(0.006, rel=0.4)

    async with database.transaction() as session:
        states = {
            code: MeterState((await _view(site, session, code)).state)
            for code in (LEAKING, YOUNG, SILENT, "EM", "BULK")
        }
        last = await repository.last_run(session, site.site_id)
    assert states == {
        LEAKING: MeterState.READY, YOUNG: MeterState.LEARNING, SILENT: MeterState.SILENT, "EM": MeterState.READY,
        "BULK": MeterState.READY,
    }  # fmt: skip
    assert last is not None
    assert (last.meters, last.done, last.failed) == (26, 26, 0)
    assert last.ended_at is not None

    await _look(site, database)

    site.clock.advance(seconds=timedelta(days=1).total_seconds())
    fill(site, leak=False)
    gone = await run(site, database)
    assert {(one.equipment_id, one.mode) for one in gone if not one.is_present} == set(found)


async def _look(site: MeterSite, database: Database) -> None:
    """What the API shows of that morning."""
    logins = FakeLogins()
    app = make_app(
        database, routers=[endpoints.router], rooms=["catalog", "predictive.consumption"],
        services=site.consumption.provided, status=endpoints.STATUS | {EquipmentNotFound: 404}, logins=logins,
    )  # fmt: skip
    engineer, stranger = logins.add(Role.ENGINEER, site_id=site.site_id), logins.add(Role.ENGINEER, site_id=new_id())
    of_meter = "/api/v1/predictive/meters/{}/forecast"
    async with client_of(app) as client:

        async def ask(path: str, token: str) -> tuple[int, Any]:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"})
            return answer.status_code, answer.json()

        status, made = await ask(of_meter.format(site.entry("EM").equipment_id), engineer)
        assert (status, made["state"], made["unit"], len(made["days"])) == (200, "ready", "kWh", 7)
        first = made["days"][0]
        assert first["day"] == "2026-08-24"
        assert first["total"]["low"] < first["total"]["middle"] < first["total"]["high"]
        assert len(first["hours"]) == 24
        assert made["used"]["weekend_factor"] < 0.8
        assert made["used"]["hours_score"]["skill"] > 0
        assert (await ask(of_meter.format(site.entry("EM").equipment_id), stranger))[0] == 404
        assert (await ask(of_meter.format(site.entry("RISER").equipment_id), engineer))[0] == 409
        _, young = await ask(of_meter.format(site.entry(YOUNG).equipment_id), engineer)
        assert (young["state"], young["words"], young["days"]) == ("learning", "Learning: 3 of 7 days", [])
        status, whole = await ask(f"/api/v1/predictive/consumption?site_id={site.site_id}", engineer)
        assert {one["code"] for one in whole["suspects"]} == {LEAKING, STUCK, SLIPPED}
        assert (await ask(f"/api/v1/predictive/consumption?site_id={site.site_id}", stranger))[0] == 404


async def _view(site: MeterSite, session: AsyncSession, code: str) -> MeterForecast:
    row = await repository.forecast(session, Scope.everywhere(), site.entry(code).equipment_id)
    assert row is not None
    return row


async def test_a_site_is_asked_for_once_a_day_when_its_night_is_over(meter_site: MeterSite, database: Database) -> None:
    site = meter_site

    async def asked() -> int:
        async with database.transaction() as session:
            await site.consumption.runs.ask(session)
        async with database.transaction() as session:
            return int(await session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0)

    site.clock.advance(seconds=-1800)  # 06:00
    assert await asked() == 0
    site.clock.advance(seconds=1800)
    assert [await asked(), await asked()] == [1, 1]
    site.clock.advance(seconds=86_400)
    assert await asked() == 2


async def test_what_is_no_meter_and_what_nobody_knows_is_refused(meter_site: MeterSite, database: Database) -> None:
    service = meter_site.consumption.service
    async with database.transaction() as session:
        with pytest.raises(NoMeter):
            await service.forecast(session, Scope.everywhere(), meter_site.entry("RISER").equipment_id)
        with pytest.raises(EquipmentNotFound):
            await service.forecast(session, Scope.everywhere(), new_id())
        view = await service.forecast(session, Scope.everywhere(), meter_site.entry("EM").equipment_id)
        assert view.row is None
