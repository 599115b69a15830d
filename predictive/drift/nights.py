"""Every night: yesterday is gathered, all days of a subject are judged, and what drifts is handed on as a finding.

A turn is short and in a transaction of its own: some equipment's day, or some equipment's judgement. What is done
stands in `equipment_day`, so that a night that is broken off goes on where it was.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.directory import LiveDirectory
from kit.access import Scope
from kit.clock import Clock, from_ms
from kit.logs import logger
from kit.sweeps import Sweep
from predictive.detectors.contract import Floats
from predictive.drift import repository
from predictive.drift.days import Days, Feature, FeatureKind
from predictive.drift.gathering import Cohort, Gatherer
from predictive.drift.models import DriftSubject
from predictive.drift.repository import PastDay
from predictive.drift.saying import GONE_BELOW, points_of
from predictive.drift.watch import Drift, confidence_at, judged
from predictive.predictions.finding import Finding, Method
from predictive.predictions.intake import Intake
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.degradation import FleetPrior
from predictive.remaining_life.modes import Modes
from predictive.remaining_life.wear import UNUSUAL, ModeForecast, forecasts
from predictive.training.fresh_start import FreshStarts
from telemetry.errors import QueryTooSlow, StoreUnavailable

log = logger(__name__)

# Readings of battery devices come late.
WAITS: Final = timedelta(hours=1)
# So far back an installation that is new to this begins; and so far back days are compared.
BEGINS_DAYS: Final = 35
COMPARES_DAYS: Final = 180
# So many are judged in one turn, beside each other.
JUDGED_AT_ONCE: Final = 250
# A subject that failed is left alone until the next hour's sweep.
RESTS: Final = timedelta(minutes=50)
# A wear that was named within so many days keeps its name.
REMEMBERS_DAYS: Final = 14


class DriftNights:
    def __init__(
        self, *, gatherer: Gatherer, intake: Intake, fresh_starts: FreshStarts, remaining_lives: RemainingLifeBook,
        modes: Modes, directory: LiveDirectory, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._gatherer = gatherer
        self._intake = intake
        self._fresh_starts = fresh_starts
        self._remaining_lives = remaining_lives
        self._modes = modes
        self._directory = directory
        self._clock = clock
        self._rests_until: dict[tuple[UUID, str], datetime] = {}
        self._left_out = Counter(
            "hub_equipment_days_left_out", "Equipment whose day could not be read or judged for drift.",
            registry=registry,
        )  # fmt: skip

    def sweeps(self) -> tuple[Sweep, ...]:
        return Sweep("predictive.drift", "27 * * * *", self.advance), Sweep(
            "predictive.forget_days", "57 4 * * *", self.forget
        )

    async def advance(self, session: AsyncSession) -> bool:
        """A part of a night; False: nothing is left. A subject that fails keeps no other from its night: it is counted
        and rests until the next hour."""
        now = self._clock.now()
        for cohort in self._gatherer.cohorts():
            key = cohort.site_id, cohort.subject
            if self._rests_until.get(key, now) > now:
                continue
            try:
                async with session.begin_nested():
                    is_left = await self._turn(session, cohort, cohort.day_at(now - WAITS))
            except Exception as error:
                self._left_out.inc(len(cohort.shapes))
                self._rests_until[key] = now + RESTS
                is_known = isinstance(error, StoreUnavailable | QueryTooSlow)
                told = {"site_id": str(cohort.site_id), "subject": cohort.subject, "reason": type(error).__name__}
                log.error("days of equipment left to the next hour", **told, exc_info=not is_known)
                continue
            if is_left:
                return True
        return False

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget(session, before=self._clock.now().date() - timedelta(days=COMPARES_DAYS + 7))

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _turn(self, session: AsyncSession, cohort: Cohort, today: date) -> bool:
        kept = await repository.subject(session, cohort.site_id, cohort.subject)
        if kept is None:
            kept = await self._begun(session, cohort, today)
        if kept is None or (kept.days_until >= today and kept.judged_on == today):
            return False
        if kept.days_until < today:
            await self._gather(session, cohort, kept)
        else:
            await self._judge(session, cohort, kept, today)
        return True

    async def _begun(self, session: AsyncSession, cohort: Cohort, today: date) -> DriftSubject | None:
        features = await self._gatherer.features(cohort, today=today)
        if not features:
            return None
        kept = DriftSubject(
            site_id=cohort.site_id, subject=cohort.subject, features=[_plain(one) for one in features],
            days_until=today - timedelta(days=BEGINS_DAYS), judged_on=None,
        )  # fmt: skip
        session.add(kept)
        await session.flush()
        return kept

    async def _gather(self, session: AsyncSession, cohort: Cohort, kept: DriftSubject) -> None:
        scope, day = Scope.of(cohort.site_id), kept.days_until
        gathered = await repository.gathered(session, scope, cohort.subject, day)
        waiting = [one for one in cohort.shapes if one not in gathered]
        some, features = waiting[: cohort.at_once], _features(kept)
        found = await self._gatherer.day(cohort, features, day, some) if some else {}
        self._left_out.inc(len(some) - len(found))
        nothing = np.full(len(features), np.nan)
        # Of whom nothing was read there is a row all the same: it says that somebody has looked.
        rows = [_row(cohort, one, day, found.get(one, nothing)) for one in some]
        await repository.save_days(session, rows)
        if len(some) == len(waiting):
            kept.days_until += timedelta(days=1)

    async def _judge(self, session: AsyncSession, cohort: Cohort, kept: DriftSubject, today: date) -> None:
        scope, yesterday = Scope.of(cohort.site_id), today - timedelta(days=1)
        gathered = await repository.gathered(session, scope, cohort.subject, yesterday)
        waiting = sorted(one for one, is_judged in gathered.items() if one in cohort.shapes and not is_judged)
        # Groups of like size, for peers are what a machine is judged by.
        groups = max(1, -(-len(waiting) // JUDGED_AT_ONCE))
        some = waiting[: -(-len(waiting) // groups)]
        if len(some) == len(waiting):
            kept.judged_on = today
        if not some:
            return
        since = today - timedelta(days=COMPARES_DAYS)
        rows = await repository.days(session, scope, cohort.subject, some, since=since)
        modes = await self._found(session, cohort, rows, some, _features(kept), today)
        await repository.note_judged(session, some, yesterday, modes=modes)

    async def _found(
        self, session: AsyncSession, cohort: Cohort, rows: Sequence[PastDay], equipment: Sequence[UUID],
        features: tuple[Feature, ...], today: date,
    ) -> dict[UUID, str]:  # fmt: skip
        """Judges and hands on; the names of what was found."""
        fresh = await self._fresh_starts.all(session, Scope.of(cohort.site_id))
        begins = {one: cohort.day_at(at) + timedelta(days=1) for one, at in fresh.items()}
        days, fresh_from = _arranged(rows, equipment, features, cohort, begins=begins, until=today)
        drift = await asyncio.to_thread(judged, days, fresh_from=fresh_from)
        told = await self._told(session, days, drift, cohort, equipment)
        named, at_ms = _named(rows, today=today), cohort.midnight_ms(today)
        findings, modes = _findings(days, drift, cohort, equipment, told=told, named=named, at_ms=at_ms)
        await self._intake.take(session, findings)
        return modes

    async def _told(
        self, session: AsyncSession, days: Days, drift: Drift, cohort: Cohort, equipment: Sequence[UUID]
    ) -> list[tuple[ModeForecast, ...]]:
        """What each has left, which is kept for its page as well."""
        entry = self._directory.current.by_id.get(equipment[0])
        if entry is None:
            return [()] * len(equipment)  # it has just been retired
        kind = EquipmentKind(entry.kind)
        priors: Mapping[str, FleetPrior] = await self._remaining_lives.priors(session, cohort.site_id, kind)
        told = await asyncio.to_thread(
            forecasts, days, drift, kind=kind, point_keys=cohort.shape.point_keys, modes=self._modes.modes,
            priors=dict(priors),
        )  # fmt: skip
        last_ms = int(days.begins_ms[-1])
        for equipment_id, of_it in zip(equipment, told, strict=True):
            await self._remaining_lives.keep(
                session, site_id=cohort.site_id, equipment_id=equipment_id, day=cohort.day_at(from_ms(last_ms)),
                at=from_ms(last_ms) + timedelta(days=1), forecasts=of_it, first_day=from_ms(int(days.begins_ms[0])),
            )  # fmt: skip
        return told


def _row(cohort: Cohort, equipment_id: UUID, day: date, values: Floats) -> dict[str, Any]:
    known = [float(one) if np.isfinite(one) else None for one in values]
    return {
        "equipment_id": equipment_id, "day": day, "site_id": cohort.site_id, "subject": cohort.subject,
        "features": known, "mode": None, "is_judged": known.count(None) == len(known),  # there is nothing to judge
    }  # fmt: skip


def _arranged(
    rows: Sequence[PastDay], equipment: Sequence[UUID], features: tuple[Feature, ...], cohort: Cohort, *,
    begins: Mapping[UUID, date], until: date,
) -> tuple[Days, np.ndarray[Any, np.dtype[np.int64]]]:  # fmt: skip
    """Days from the first row until the day before `until`, and from which of them each equipment counts."""
    first = rows[0].day
    span = (until - first).days
    values = np.full((len(equipment), span, len(features)), np.nan)
    fresh_from = np.full(len(equipment), span, dtype=np.int64)
    place = {one: number for number, one in enumerate(equipment)}
    for row in rows:
        at, day = place[row.equipment_id], (row.day - first).days
        if day < span and len(row.features) == len(features):
            values[at, day] = [np.nan if one is None else one for one in row.features]
            if np.isfinite(values[at, day]).any():
                fresh_from[at] = min(fresh_from[at], day)
    for one, day_begins in begins.items():
        if one in place:
            fresh_from[place[one]] = max(fresh_from[place[one]], (day_begins - first).days)
    begins_ms = np.array([cohort.midnight_ms(first + timedelta(days=day)) for day in range(span)], dtype=np.int64)
    return Days(begins_ms, values, features), fresh_from


def _findings(
    days: Days, drift: Drift, cohort: Cohort, equipment: Sequence[UUID], *, told: Sequence[Sequence[ModeForecast]],
    named: Mapping[UUID, str], at_ms: int,
) -> tuple[list[Finding], dict[UUID, str]]:  # fmt: skip
    """What drifts, under the name it had before where that still fits; what had a name and drifts no more."""
    findings: list[Finding] = []
    modes: dict[UUID, str] = {}
    for machine, equipment_id in enumerate(equipment):
        score, before = float(drift.score[machine, -1]), named.get(equipment_id)
        gone = Finding(
            site_id=cohort.site_id, equipment_id=equipment_id, method=Method.DRIFT, mode=before or UNUSUAL,
            at_ms=at_ms, since_ms=at_ms, confidence=confidence_at(score), score=score, is_present=False,
        )  # fmt: skip
        if drift.is_drifting[machine, -1]:
            findings.append(_standing(gone, days, drift, machine, cohort, _chosen(told[machine], before)))
            modes[equipment_id] = findings[-1].mode
        elif before and score >= GONE_BELOW:
            modes[equipment_id] = before  # neither stands nor has gone
        elif before and drift.is_judged[machine, -1]:
            findings.append(gone)
    return findings, modes


def _standing(
    gone: Finding, days: Days, drift: Drift, machine: int, cohort: Cohort, chosen: ModeForecast | None
) -> Finding:
    last = len(days.begins_ms) - 1
    return replace(
        gone, is_present=True, mode=chosen.mode if chosen else gone.mode,
        since_ms=int(days.begins_ms[min(drift.since(machine, day=last), last)]),
        points=points_of(days, drift, machine, point_keys=cohort.shape.point_keys),
        days_left=chosen.days_left() if chosen else None,
    )  # fmt: skip


def _chosen(told: Sequence[ModeForecast], before: str | None) -> ModeForecast | None:
    return next((one for one in told if one.mode == before), told[0] if told else None)


def _named(rows: Sequence[PastDay], *, today: date) -> dict[UUID, str]:
    """The newest name of each; rows are oldest first."""
    newest = today - timedelta(days=REMEMBERS_DAYS)
    return {row.equipment_id: row.mode for row in rows if row.mode is not None and row.day >= newest}


def _plain(feature: Feature) -> dict[str, Any]:
    return {
        "kind": feature.kind.value, "point": feature.point, "runs_by": feature.runs_by, "runs_at": feature.runs_at,
        "weights": list(feature.weights),
    }  # fmt: skip


def _features(kept: DriftSubject) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            FeatureKind(one["kind"]), int(one["point"]), int(one["runs_by"]), float(one["runs_at"]),
            tuple(float(weight) for weight in one["weights"]),
        )
        for one in kept.features
    )  # fmt: skip
