"""Sees that the hub can keep what it is told, and says so before it cannot: an alarm like any other.

Each folder is written to for a trial, the bus and the store say how long they have been refusing, the bus how full
it is of what nobody has read, and the database is asked for an answer. What is wrong is an alarm on the hub itself, an
equipment of the oldest site: on the desk, over MQTT, in `/metrics` and in `/readyz`. While the database is away the
alarm waits; it is raised when that is back, as of the time when the trouble was noticed, even if it is over by then.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import assert_never

import psycopg
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from alarms.detection import AlarmSource, Detection
from alarms.service import AlarmService
from building.equipment import EquipmentKind
from building.severity import Severity
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.editing import CatalogEditor, NewEquipment
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock, to_ms
from kit.db import Database
from kit.disk import DiskLook, can_write
from kit.errors import DomainError
from kit.i18n import Language, Texts
from kit.logs import logger

log = logger(__name__)

LOOK_EVERY_S = 5.0
STUCK_AFTER_S = 10.0
ANSWER_S = 3.0
# A database or a disk that hangs must not keep the watch from looking at the rest.
TELL_WITHIN_S = 10.0
LOOK_WITHIN_S = 10.0
UNREAD_SHARE = 0.8
TRIAL_BYTES = 64 * 1024
HUB_CODE = "HUB"
HUB_NAME = "智物"


# What the database says that cannot be written now; an alarm goes over the driver's connection too.
NOT_WRITTEN = (SQLAlchemyError, psycopg.Error, OSError, TimeoutError)


class Trouble(StrEnum):
    """What can be wrong with a place where the hub keeps things."""

    LOW = "storage_low"  # little room is left
    FULL = "storage_cannot_write"  # a trial failed
    STUCK = "storage_stuck"  # whoever writes there has been refusing for a while
    AWAY = "database_away"  # it has not answered for a while
    UNREAD = "bus_fills_up"  # the bus holds much that nobody has read

    @property
    def severity(self) -> Severity:
        match self:
            case Trouble.LOW | Trouble.UNREAD:
                return Severity.MAJOR
            case Trouble.FULL | Trouble.STUCK | Trouble.AWAY:
                return Severity.CRITICAL
            case _:
                assert_never(self)


class StorageCannotWrite(RuntimeError):
    """Somewhere the hub cannot keep what it is told."""


@dataclass(frozen=True)
class Signs:
    """What there is to look at, by place: folders, who says how long (s) it has been refusing, and who says whether it
    could not write lately."""

    folders: Mapping[str, Path]
    refusing_for_s: Mapping[str, Callable[[], float]]
    unread_share: Callable[[], float]
    is_failing: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    asks_database: bool = False
    """Of several processes one is enough: each would tell of the same outage."""


Found = Mapping[tuple[Trouble, str], float]


@dataclass(frozen=True)
class Untold:
    """A trouble that no alarm says yet."""

    figure: float
    since_ms: int


class StorageGauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.free = Gauge("hub_storage_free_bytes", "Room left where the hub writes", ["place"], registry=registry)
        self.trouble = Gauge(
            "hub_storage_trouble", "1 while something is wrong with a place", ["trouble", "place"], registry=registry
        )

    def show(self, found: Found) -> None:
        self.trouble.clear()
        for trouble, place in found:
            self.trouble.labels(trouble.value, place).set(1)


@dataclass(frozen=True)
class Room:
    """What a trial of a folder found."""

    free_bytes: int
    is_writable: bool


NO_ROOM = Room(0, is_writable=False)


def try_folder(folder: Path) -> Room:
    """What cannot even be asked cannot be written. Waits for the disk."""
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError:
        return NO_ROOM
    return Room(free_bytes, can_write(folder, size_bytes=TRIAL_BYTES))


def examine(signs: Signs, rooms: Mapping[str, Room], *, low_bytes: int, gauges: StorageGauges) -> Found:
    """What is wrong now: trouble and place → the figure that says so (bytes free, seconds, share)."""
    found: dict[tuple[Trouble, str], float] = {}
    for place, room in rooms.items():
        gauges.free.labels(place).set(room.free_bytes)
        if not room.is_writable or (place in signs.is_failing and signs.is_failing[place]()):
            found[Trouble.FULL, place] = room.free_bytes
        elif room.free_bytes < low_bytes:
            found[Trouble.LOW, place] = room.free_bytes
    for place, refusing_for_s in signs.refusing_for_s.items():
        if (seconds := refusing_for_s()) > STUCK_AFTER_S:
            found[Trouble.STUCK, place] = seconds
    if (share := signs.unread_share()) > UNREAD_SHARE:
        found[Trouble.UNREAD, "bus"] = share
    return found


class StorageWatch:
    """`run` until cancelled, in every process that writes anywhere."""

    def __init__(
        self,
        signs: Signs,
        *,
        low_bytes: int,
        database: Database,
        alarms: AlarmService,
        catalog: CatalogService,
        editor: CatalogEditor,
        directory: LiveDirectory,
        texts: Texts,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._signs = signs
        self._looks = {
            place: DiskLook(partial(try_folder, folder), within_s=LOOK_WITHIN_S)
            for place, folder in signs.folders.items()
        }
        self._low_bytes = low_bytes
        self._database = database
        self._alarms = alarms
        self._catalog = catalog
        self._editor = editor
        self._directory = directory
        self._texts = texts
        self._clock = clock
        self._gauges = StorageGauges(registry)
        self._found: Found = {}
        self._told: set[tuple[Trouble, str]] | None = None
        self._untold: dict[tuple[Trouble, str], Untold] = {}
        self._away_since: float | None = None

    async def check(self) -> None:
        """For `/readyz`. Raises StorageCannotWrite."""
        stopped = [place for trouble, place in self._found if trouble.severity is Severity.CRITICAL]
        if stopped:
            raise StorageCannotWrite(", ".join(stopped))

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Looks once, and tells what began or ended since it was last told."""
        rooms, away = await asyncio.gather(self._rooms(), self._database_away())
        self._found = {**examine(self._signs, rooms, low_bytes=self._low_bytes, gauges=self._gauges), **away}
        self._gauges.show(self._found)
        self._note_what_is_new()
        wanted = {*self._found, *self._untold}
        if self._told == wanted:
            return
        try:
            async with asyncio.timeout(TELL_WITHIN_S):
                is_told = await self._tell()
        except (*NOT_WRITTEN, DomainError) as error:  # refused: another process has just entered the hub as equipment
            log.warning("storage trouble cannot be made an alarm yet", error=repr(error)[:200])
            return
        if is_told:
            self._told = wanted
            self._untold.clear()

    async def _rooms(self) -> Mapping[str, Room]:
        """Of every place; a disk that does not answer in time has none."""
        rooms = await asyncio.gather(*(look() for look in self._looks.values()))
        return {place: room or NO_ROOM for place, room in zip(self._looks, rooms, strict=True)}

    async def _database_away(self) -> Found:
        if not self._signs.asks_database:
            return {}
        try:
            async with asyncio.timeout(ANSWER_S), self._database.transaction() as session:
                await session.execute(text("SELECT 1"))
        except NOT_WRITTEN:
            self._away_since = self._away_since or time.monotonic()
            seconds = time.monotonic() - self._away_since
            return {(Trouble.AWAY, "database"): seconds} if seconds > STUCK_AFTER_S else {}
        self._away_since = None
        return {}

    def _note_what_is_new(self) -> None:
        now_ms = to_ms(self._clock.now())
        for (trouble, place), figure in self._found.items():
            key = trouble, place
            if key not in (self._told or ()) and key not in self._untold:
                self._untold[key] = Untold(figure, now_ms)
                log.error("storage trouble", trouble=trouble.value, place=place, figure=figure)

    async def _tell(self) -> bool:
        """Makes the alarms what was found. False: not yet, the directory must hear of the hub first."""
        hub = self._hub()
        if hub is None:
            is_needed = bool(self._found or self._untold)
            if is_needed:
                await self._enter_catalog()
            return not is_needed
        async with self._database.transaction() as session:
            lasting = await self._alarms.lasting_episodes(
                session, source=AlarmSource.HUB, life_safety=False, equipment_ids=[hub.equipment_id]
            )
            ours = {source_id: onset_ms for _, _, source_id, onset_ms in lasting if self._is_ours(source_id)}
            await self._alarms.apply(session, self._changes(hub, ours, now_ms=to_ms(self._clock.now())))
        return True

    def _changes(self, hub: EquipmentEntry, lasting: Mapping[str, int], *, now_ms: int) -> list[Detection]:
        """What began and ended, against the episodes that last: source id → onset."""
        present = {key: Untold(figure, now_ms) for key, figure in self._found.items()} | self._untold
        wanted = {_source_id(*key): (key, untold) for key, untold in present.items()}
        began = [
            self._detection(hub, *key, untold)
            for source_id, (key, untold) in wanted.items()
            if source_id not in lasting
        ]
        ended = [
            Detection.end_of(
                source=AlarmSource.HUB, source_id=source_id, equipment_id=hub.equipment_id, site_id=hub.site_id,
                onset_ms=onset_ms, at_ms=now_ms,
            )
            for source_id, onset_ms in lasting.items()
            if source_id not in wanted
        ]  # fmt: skip
        return [*began, *ended]

    def _hub(self) -> EquipmentEntry | None:
        entries: Sequence[EquipmentEntry] = self._directory.current.entries
        return next((entry for entry in entries if entry.code == HUB_CODE and entry.kind is EquipmentKind.OTHER), None)

    async def _enter_catalog(self) -> None:
        """The hub becomes an equipment of the oldest site; without a site there is nobody to tell."""
        async with self._database.transaction() as session:
            sites = await self._catalog.sites(session, Scope.everywhere())
            if sites:
                site = min(sites, key=lambda one: one.id)  # ids grow with time
                new = NewEquipment(site_id=site.id, code=HUB_CODE, name=HUB_NAME, kind=EquipmentKind.OTHER)
                await self._editor.create_equipment(session, Scope.of(site.id), new)

    def _is_ours(self, source_id: str) -> bool:
        """Another process watches other places: its alarms are not for us to end."""
        places = {*self._signs.folders, *self._signs.refusing_for_s, "bus"}
        ours = {_source_id(trouble, place) for trouble in Trouble for place in places}
        if self._signs.asks_database:
            ours.add(_source_id(Trouble.AWAY, "database"))
        return source_id in ours

    def _detection(self, hub: EquipmentEntry, trouble: Trouble, place: str, untold: Untold) -> Detection:
        return Detection(
            source=AlarmSource.HUB,
            source_id=_source_id(trouble, place),
            equipment_id=hub.equipment_id,
            site_id=hub.site_id,
            active=True,
            onset_ms=untold.since_ms,
            at_ms=untold.since_ms,
            severity=trouble.severity,
            fault_mode=trouble.value,
            life_safety=False,
            message={language.value: self._words(trouble, place, untold.figure, language) for language in Language},
            values={"figure": round(untold.figure, 3)},
        )

    def _words(self, trouble: Trouble, place: str, figure: float, language: Language) -> str:
        where = self._texts.text(f"alarms.hub_place.{place}", language)
        return self._texts.text(
            f"alarms.hub_trouble.{trouble.value}", language, place=where, free_mb=int(figure / 1024**2)
        )


def _source_id(trouble: Trouble, place: str) -> str:
    return f"{trouble.value}:{place}"
