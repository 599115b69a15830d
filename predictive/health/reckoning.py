"""Reckons the health of all equipment every hour; the last word of a day of its site is kept as the day's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock
from kit.logs import logger
from kit.sweeps import Sweep
from predictive.health import repository
from predictive.health.beside import Beside
from predictive.health.index import Health, health_of
from predictive.health.inputs import HealthInputs, gather
from predictive.health.standing import Comparison, like, percentiles
from predictive.remaining_life.book import RemainingLifeBook

log = logger(__name__)

HOURLY: Final = "17 * * * *"
DAILY: Final = "47 3 * * *"
KEPT: Final = timedelta(days=400)
EVIDENCE_KEPT: Final = timedelta(days=8)
# Those whose leading point is looked at beside its like: the worst of a site, and only who is no longer well.
COMPARED: Final = 5
WELL: Final = 80.0


class HealthReckoning:
    def __init__(
        self, *, directory: LiveDirectory, catalog: CatalogService, lives: RemainingLifeBook, beside: Beside,
        clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._directory = directory
        self._catalog = catalog
        self._lives = lives
        self._beside = beside
        self._clock = clock
        self._failed = Counter(
            "hub_health_failures", "Sites whose health could not be reckoned; the next hour tries again.",
            registry=registry,
        )  # fmt: skip

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("predictive.health", HOURLY, self.reckon),
            Sweep("predictive.forget_health", DAILY, self.forget),
        )  # fmt: skip

    async def reckon(self, session: AsyncSession) -> None:
        """Each site in a savepoint: one that cannot be reckoned keeps no other from its own."""
        sites: dict[UUID, list[EquipmentEntry]] = {}
        for entry in self._directory.current.entries:
            if entry.points and entry.in_service:
                sites.setdefault(entry.site_id, []).append(entry)
        for site_id, entries in sites.items():
            try:
                async with session.begin_nested():
                    await self._site(session, site_id, entries)
            except Exception:
                self._failed.inc()
                log.exception("health left to the next hour", site_id=str(site_id))

    async def forget(self, session: AsyncSession) -> None:
        now = self._clock.now()
        await repository.forget(session, evidence_before=now - EVIDENCE_KEPT, health_before=(now - KEPT).date())

    async def _site(self, session: AsyncSession, site_id: UUID, entries: Sequence[EquipmentEntry]) -> None:
        settings = (await self._catalog.site_settings(session, site_id)).get("health", {})
        now = self._clock.now()
        inputs = await gather(
            session, site_id, lives=self._lives, settings=settings if isinstance(settings, Mapping) else {}, now=now
        )
        found = {entry.equipment_id: _health(inputs, entry) for entry in entries}
        ranks = percentiles(
            {one: health.health for one, health in found.items() if health.health is not None},
            {entry.equipment_id: like(entry) for entry in entries},
        )
        compared = await self._compared(entries, found)
        rows = [
            _row(entry, found[entry.equipment_id], ranks.get(entry.equipment_id), compared.get(entry.equipment_id))
            | {"day": now.astimezone(ZoneInfo(entry.timezone)).date(), "reckoned_at": now.isoformat()}
            for entry in entries
        ]
        await repository.save(session, rows)

    async def _compared(
        self, entries: Sequence[EquipmentEntry], found: Mapping[UUID, Health]
    ) -> dict[UUID, Comparison | None]:
        figures = {one: health.health for one, health in found.items() if health.health is not None}
        ill = [one for one in entries if figures.get(one.equipment_id, WELL) < WELL and _leading(found, one)]
        worst = sorted(ill, key=lambda one: figures[one.equipment_id])[:COMPARED]
        now = self._clock.now()
        return {
            entry.equipment_id: await self._beside.compare(
                entry, _leading(found, entry), [one for one in entries if like(one) == like(entry)], now=now
            )
            for entry in worst
        }


def _leading(found: Mapping[UUID, Health], entry: EquipmentEntry) -> str:
    """The point with the largest share; empty where no point is to blame."""
    points = found[entry.equipment_id].points
    return points[0][0] if points else ""


def _health(inputs: HealthInputs, entry: EquipmentEntry) -> Health:
    one = entry.equipment_id
    return health_of(
        inputs.watched(entry), evidence=inputs.evidence.get(one), lives=inputs.lives.get(one, []),
        alarms=inputs.alarms.get(one, []), age=inputs.age(entry),
    )  # fmt: skip


def _row(
    entry: EquipmentEntry, health: Health, rank: tuple[float, int] | None, comparison: Comparison | None
) -> dict[str, Any]:
    return {
        "equipment_id": entry.equipment_id, "site_id": entry.site_id, "state": health.state.value,
        "days_known": health.days_known, "days_needed": health.days_needed, "health": health.health,
        "percentile": rank[0] if rank else None, "peers": rank[1] if rank else 0,
        "parts": [
            {
                "part": part.part.value, "damage": round(part.damage, 4), "share": round(part.share, 4),
                "facts": dict(part.facts), "points": {key: round(share, 4) for key, share in part.points.items()},
            }
            for part in health.parts
        ],
        "points": [{"key": key, "share": share} for key, share in health.points],
        "comparison": asdict(comparison) if comparison else None,
    }  # fmt: skip
