"""Every morning, site by site: reads the meters, forecasts them, and brings what looks wrong to the predictions.

A sweep asks for a site's run once a day; a job does it, a few meters at a time, in short transactions of its own. The
arithmetic runs in a thread. A meter that cannot be read is counted and left out; the others go on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from procrastinate import App
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock, to_ms
from kit.db import Database
from kit.errors import DomainError
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from predictive.consumption import repository
from predictive.consumption.fleet import Shape, shape_of
from predictive.consumption.forecast import DAYS_NEEDED
from predictive.consumption.meters import MeterPoints, groups_of, meters_of, outdoor_point, supplied_by
from predictive.consumption.reading import METERS_AT_ONCE, Span, outdoor_temps, read_meters
from predictive.consumption.reckoning import MeterAnswer, answer, suspicions, with_balances
from predictive.consumption.records import forecast_record, suspicion_record, used_record
from predictive.consumption.register import Floats
from predictive.consumption.settings import ConsumptionSettings
from predictive.consumption.suspicion import Group, Meter, MeterMode, Suspicion
from predictive.predictions.finding import Finding, Method, PointEvidence
from telemetry.store import TelemetryQueries

log = logger(__name__)

RUN_JOB: Final = "predictive.forecast_meters"
EVERY_FIVE_MINUTES: Final = "*/5 * * * *"
# The shape of a kind of meter is learnt from so many of them: more change it little.
_SHAPED_BY: Final = 80
_KEPT_RUNS_DAYS: Final = 60


class FindingsTaker(Protocol):
    """`predictive.predictions.intake.Intake`."""

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None: ...


@dataclass(eq=False)
class _Run:
    """What one run of a site works with, and what it has found so far."""

    site_id: UUID
    span: Span
    now_ms: int
    temps_c: Floats | None
    prices: Mapping[str, Any]
    found: dict[UUID, list[Suspicion]] = field(default_factory=dict)
    groups: dict[UUID, tuple[Group, int]] = field(default_factory=dict)
    done: int = 0
    failed: int = 0


class ConsumptionRuns:
    def __init__(
        self, *, database: Database, app: App, queries: TelemetryQueries, directory: LiveDirectory,
        catalog: CatalogService, taking: FindingsTaker, settings: ConsumptionSettings, clock: Clock,
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._database = database
        self._app = app
        self._queries = queries
        self._directory = directory
        self._catalog = catalog
        self._taking = taking
        self._settings = settings
        self._clock = clock
        self._left_out = Counter(
            "hub_meters_left_out", "Meters that a morning's forecast left out, their readings not to be had.",
            registry=registry,
        )  # fmt: skip

    def jobs(self) -> tuple[JobKind, ...]:
        return (JobKind(RUN_JOB, self.run),)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("predictive.ask_for_forecasts", EVERY_FIVE_MINUTES, self.ask),
            Sweep("predictive.forget_forecast_runs", "41 4 * * *", self.forget),
        )

    async def ask(self, session: AsyncSession) -> None:
        """Asks for the run of every site whose morning has come, once a day of the site."""
        if not self._settings.enabled:
            return
        now = self._clock.now()
        zones = {entry.site_id: entry.timezone for entry in self._directory.current.entries}
        for site_id, zone in zones.items():
            local = now.astimezone(ZoneInfo(zone))
            if local.time() < self._settings.at or not meters_of(self._directory.current.entries, site_id):
                continue
            if await repository.begin(session, site_id=site_id, day=local.date(), at=now):
                await defer(session, self._app, RUN_JOB, site_id=str(site_id), day=local.date().isoformat())

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget(session, before=self._clock.now().date() - timedelta(days=_KEPT_RUNS_DAYS))

    async def run(self, _session: AsyncSession, *, site_id: str, day: str) -> None:
        """One that was killed half-way is done anew: it says the same again."""
        directory = self._directory.current
        meters = meters_of(directory.entries, UUID(site_id))
        if not meters:
            return
        run = await self._begun(meters, UUID(site_id))
        await self._note(run, date.fromisoformat(day), meters=len(meters))
        for group in groups_of(meters):
            await self._group(run, group, date.fromisoformat(day))
        supplied = {
            supply: [one for one in behind if one in run.groups]
            for supply, behind in supplied_by(meters, directory.by_id).items()
            if supply in run.groups
        }
        run.found = await asyncio.to_thread(with_balances, run.found, run.groups, supplied)
        await self._tell(run, meters, date.fromisoformat(day))

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _begun(self, meters: Sequence[MeterPoints], site_id: UUID) -> _Run:
        now = self._clock.now()
        span = Span.until(now, ZoneInfo(meters[0].entry.timezone), days=self._settings.history_days)
        outdoor = outdoor_point(self._directory.current.entries, site_id)
        temps = None if outdoor is None else await outdoor_temps(self._queries, outdoor, span)
        async with self._database.transaction() as session:
            settings = await self._catalog.site_settings(session, site_id)
        prices = settings.get("consumption", {}).get("prices", {})
        return _Run(site_id, span, to_ms(now), temps, prices if isinstance(prices, Mapping) else {})

    async def _group(self, run: _Run, group: Sequence[MeterPoints], day: date) -> None:
        """All meters of a kind: what they have in common, each for itself, then beside each other."""
        shape = await self._shape(run, group)
        slim: list[tuple[MeterPoints, Meter]] = []
        for at in range(0, len(group), METERS_AT_ONCE):
            some = group[at : at + METERS_AT_ONCE]
            slim += await self._some(run, some, shape)
            await self._note(run, day, done=run.done, failed=run.failed)
        if not slim:
            return
        like = shape.factors if shape else None
        together = await asyncio.to_thread(Group.of, [meter for _, meter in slim], like=like)
        found = await asyncio.to_thread(suspicions, together, group[0].entry.kind)
        for place, (points, _) in enumerate(slim):
            run.groups[points.entry.equipment_id] = together, place
            run.found[points.entry.equipment_id] = found[place]

    async def _shape(self, run: _Run, group: Sequence[MeterPoints]) -> Shape | None:
        chosen = group[:: -(-len(group) // _SHAPED_BY)]
        days = []
        for at in range(0, len(chosen), METERS_AT_ONCE):
            read = await self._read(run, chosen[at : at + METERS_AT_ONCE], typical_h=0.0)
            days += [meter.days for meter in read or []]
        return await asyncio.to_thread(shape_of, days)

    async def _some(
        self, run: _Run, some: Sequence[MeterPoints], shape: Shape | None
    ) -> list[tuple[MeterPoints, Meter]]:  # fmt: skip
        read = await self._read(run, some, typical_h=shape.typical_h if shape else 0.0)
        run.done += len(some)
        if read is None:
            run.failed += len(some)
            self._left_out.inc(len(some))
            return []
        temps, now_ms = run.temps_c, run.now_ms
        answers = await asyncio.to_thread(
            lambda: [answer(meter, shape=shape, temps_c=temps, now_ms=now_ms) for meter in read]
        )
        rows = [self._row(run, *one) for one in zip(some, read, answers, strict=True)]
        async with self._database.transaction() as session:
            await repository.save(session, rows)
        return [(points, meter.slim()) for points, meter in zip(some, read, strict=True)]

    async def _read(self, run: _Run, some: Sequence[MeterPoints], *, typical_h: float) -> list[Meter] | None:
        try:
            return await read_meters(self._queries, some, run.span, typical_h=typical_h)
        except DomainError as error:  # the store is slow or away: what was said of these meters stands
            log.warning("meters not read", site_id=str(run.site_id), meters=len(some), error=str(error))
            return None

    def _row(self, run: _Run, points: MeterPoints, meter: Meter, said: MeterAnswer) -> dict[str, Any]:
        made = said.forecast
        return {
            "equipment_id": points.entry.equipment_id, "site_id": run.site_id, "point_key": points.register.key,
            "unit": points.register.unit, "state": said.state.value, "days_known": said.days_known,
            "days_needed": DAYS_NEEDED, "last_day": run.span.today, "reckoned_at": self._clock.now().isoformat(),
            "first_day": None if made is None else made.first,
            "forecast": None if made is None else forecast_record(made),
            "used": used_record(said, meter, has_weather=run.temps_c is not None), "suspicions": [],
        }  # fmt: skip

    async def _tell(self, run: _Run, meters: Sequence[MeterPoints], day: date) -> None:
        """What is suspected, what no longer is, and that the run is over: together or not at all."""
        by_id = {meter.entry.equipment_id: meter for meter in meters}
        async with self._database.transaction() as session:
            before = await repository.suspect_modes(session, run.site_id)
            await repository.keep_suspicions(
                session, {one: [suspicion_record(each) for each in some] for one, some in run.found.items()}
            )
            findings = [
                self._finding(run, by_id[one], each) for one, some in run.found.items() for each in some
            ]  # fmt: skip
            await self._taking.take(session, [*findings, *self._gone(run, before)])
            ended = self._clock.now()
            await repository.note(session, run.site_id, day, done=run.done, failed=run.failed, ended_at=ended)

    def _finding(self, run: _Run, points: MeterPoints, one: Suspicion) -> Finding:
        price = run.prices.get(points.entry.kind.value)
        is_waste = one.mode in (MeterMode.NIGHT_LEAK, MeterMode.BALANCE_LOSS, MeterMode.THEFT)
        return Finding(
            site_id=run.site_id, equipment_id=points.entry.equipment_id, method=Method.CONSUMPTION,
            mode=one.mode.value, at_ms=run.now_ms, since_ms=min(one.since_ms, run.now_ms), confidence=one.confidence,
            score=one.score,
            points=(
                PointEvidence(
                    point_key=points.register.key, share=1.0, value=one.value, usual=one.usual,
                    since_ms=min(one.since_ms, run.now_ms), peers_low=one.peers_low, peers_high=one.peers_high,
                ),
            ),
            waste_a_day=round(one.wasted_a_day * price, 2) if is_waste and isinstance(price, int | float) else None,
        )  # fmt: skip

    def _gone(self, run: _Run, before: Mapping[UUID, set[str]]) -> list[Finding]:
        return [
            Finding(
                site_id=run.site_id, equipment_id=one, method=Method.CONSUMPTION, mode=mode, at_ms=run.now_ms,
                since_ms=run.now_ms, confidence=0.0, score=0.0, is_present=False,
            )
            for one, modes in before.items()
            if one in run.found
            for mode in sorted(modes - {each.mode.value for each in run.found[one]})
        ]  # fmt: skip

    async def _note(self, run: _Run, day: date, **values: Any) -> None:
        async with self._database.transaction() as session:
            await repository.note(session, run.site_id, day, **values)
