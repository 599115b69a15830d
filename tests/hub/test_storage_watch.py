"""What the hub cannot keep becomes an alarm on the hub itself, and ends when it can again."""

import asyncio
import errno
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.models import Alarm, AlarmEpisode
from building.severity import Severity
from catalog.editing import CatalogEditor
from catalog.loader import load_directory
from catalog.profiles import load_profiles
from catalog.service import CatalogService
from hub import storage_watch
from hub.storage_watch import (
    HUB_CODE,
    Found,
    Room,
    Signs,
    StorageCannotWrite,
    StorageGauges,
    StorageWatch,
    Trouble,
    examine,
    try_folder,
)
from hub.texts import load_texts
from kit.clock import to_ms
from kit.db import Database
from kit.disk import DiskLook
from tests.alarms.place import ROOT, Place, small_site
from tests.conftest import LIVENESS_S
from tests.small_disk import small_disk

MB = 1024**2


@dataclass
class Refusing:
    """Somebody who can be made to have been refusing for a while."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Door:
    """The way to a database that may be away."""

    database: Database
    is_shut: bool = False

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        if self.is_shut:
            raise ConnectionRefusedError("nobody listens")
        return self.database.transaction()


@dataclass
class Watched:
    """A watch with everything around it that a process gives it."""

    place: Place
    database: Database
    watch: StorageWatch
    refusing: Refusing
    door: Door

    async def look(self) -> None:
        """Looks, lets the directory hear what is new in the catalog, and looks again."""
        for _ in range(2):
            await self.watch.look()
            async with self.database.transaction() as session:
                self.place.directory.replace(await load_directory(session))

    async def ended_episodes(self) -> Mapping[str, int]:
        """Onset (ms) of what is over, by source id."""
        async with self.database.transaction() as session:
            found = await session.scalars(select(AlarmEpisode).where(AlarmEpisode.ended_at.is_not(None)))
            return {episode.source_id: episode.onset_ms for episode in found}

    async def alarms(self) -> Mapping[str, Alarm]:
        """Present alarms on the hub by their source id."""
        async with self.database.transaction() as session:
            found = await session.scalars(select(Alarm).where(Alarm.equipment_code == HUB_CODE, Alarm.is_present))
            return {alarm.source_id: alarm for alarm in found}


@pytest.fixture
async def watched(database: Database, tmp_path: Path) -> Watched:
    place = await small_site(database)
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    refusing = Refusing()
    door = Door(database)
    signs = Signs({"telemetry": tmp_path}, {"bus": refusing}, lambda: 0.0, asks_database=True)
    watch = StorageWatch(
        signs, low_bytes=MB, database=cast(Database, door), alarms=place.alarms, catalog=CatalogService(profiles),
        editor=CatalogEditor(profiles, place.clock), directory=place.directory, texts=load_texts(), clock=place.clock,
        registry=CollectorRegistry(),
    )  # fmt: skip
    return Watched(place, database, watch, refusing, door)


async def test_a_bus_that_refuses_is_a_critical_alarm_that_ends_with_it(watched: Watched) -> None:
    await watched.look()
    assert not await watched.alarms(), "a hub without trouble is no equipment"
    watched.refusing.seconds = 11.0
    await watched.look()
    (alarm,) = (await watched.alarms()).values()
    assert (alarm.fault_mode, alarm.severity) == (Trouble.STUCK.value, Severity.CRITICAL.value)
    assert "{" not in alarm.message["zh-CN"] + alarm.message["en"]
    with pytest.raises(StorageCannotWrite):
        await watched.watch.check()
    await watched.look()
    assert len(await watched.alarms()) == 1, "told once"
    watched.refusing.seconds = 0.0
    await watched.look()
    assert not await watched.alarms()
    await watched.watch.check()


async def test_a_hub_that_starts_again_ends_what_no_longer_holds(watched: Watched) -> None:
    watched.refusing.seconds = 60.0
    await watched.look()
    assert await watched.alarms()
    watched.refusing.seconds = 0.0
    watched.watch._told = None  # as it is after a start
    await watched.look()
    assert not await watched.alarms()


async def test_what_was_wrong_while_the_database_was_away_is_told_with_its_own_time(watched: Watched) -> None:
    await watched.look()
    noticed_ms = to_ms(watched.place.clock.now())
    watched.door.is_shut, watched.refusing.seconds = True, 60.0
    await watched.watch.look()
    watched.place.clock.advance(seconds=40)
    watched.refusing.seconds = 0.0  # all is well before anybody could be told
    await watched.watch.look()
    watched.door.is_shut = False
    await watched.look()
    await watched.look()
    assert await watched.ended_episodes() == {f"{Trouble.STUCK}:bus": noticed_ms}
    assert not await watched.alarms()


async def test_a_database_that_does_not_answer_for_a_while_is_a_critical_alarm_afterwards(watched: Watched) -> None:
    watched.door.is_shut = True
    await watched.watch.look()
    await watched.watch.check()  # a moment is nothing
    watched.watch._away_since = time.monotonic() - 11
    await watched.watch.look()
    with pytest.raises(StorageCannotWrite):
        await watched.watch.check()
    watched.door.is_shut = False
    await watched.look()
    await watched.look()
    assert set(await watched.ended_episodes()) == {f"{Trouble.AWAY}:database"}


async def test_a_hub_that_is_equipment_already_though_the_directory_does_not_know_yet_is_no_error(
    watched: Watched,
) -> None:
    watched.refusing.seconds = 60.0
    await watched.watch.look()
    await watched.watch.look()
    await watched.look()
    assert await watched.alarms()


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON alarm_episode EXECUTE FUNCTION refuse();
"""


async def execute(database: Database, *statements: str) -> None:
    async with database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_an_alarm_that_the_driver_says_cannot_be_written_is_tried_again(watched: Watched) -> None:
    await watched.look()
    await execute(watched.database, *filter(str.strip, REFUSE.split(";\n")))
    watched.refusing.seconds = 60.0
    await watched.look()
    assert not await watched.alarms()
    await execute(watched.database, "DROP TRIGGER refuse ON alarm_episode")
    await watched.look()
    assert await watched.alarms()


async def test_a_database_that_hangs_does_not_keep_the_watch_from_looking(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_watch, "TELL_WITHIN_S", 0.3)
    watched.refusing.seconds = 60.0
    await watched.watch.look()  # the hub becomes an equipment
    async with watched.database.transaction() as session:
        watched.place.directory.replace(await load_directory(session))
    async with asyncio.timeout(LIVENESS_S), watched.database.transaction() as session:
        await session.execute(text("LOCK TABLE alarm_episode"))
        await watched.watch.look()
        with pytest.raises(StorageCannotWrite):
            await watched.watch.check()
    assert not await watched.alarms()
    await watched.look()
    assert await watched.alarms()


async def test_a_disk_that_hangs_cannot_be_written_until_it_answers(watched: Watched, tmp_path: Path) -> None:
    answers = threading.Event()

    def hangs() -> Room:
        answers.wait(LIVENESS_S)
        return try_folder(tmp_path)

    watched.watch._looks["telemetry"] = DiskLook(hangs, within_s=0.1)
    await watched.watch.look()
    with pytest.raises(StorageCannotWrite, match="telemetry"):
        await watched.watch.check()
    answers.set()
    watched.watch._looks["telemetry"]._within_s = LIVENESS_S
    await watched.watch.look()
    await watched.watch.check()


async def test_a_disk_that_cannot_even_be_asked_cannot_be_written(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise OSError(errno.EIO, "broken", str(folder))

    monkeypatch.setattr(shutil, "disk_usage", broken)
    await watched.watch.look()
    with pytest.raises(StorageCannotWrite, match="telemetry"):
        await watched.watch.check()


def look_at(signs: Signs, gauges: StorageGauges, *, low_bytes: int = MB) -> Found:
    rooms = {place: try_folder(folder) for place, folder in signs.folders.items()}
    return examine(signs, rooms, low_bytes=low_bytes, gauges=gauges)


def test_a_disk_that_was_made_read_only_and_a_server_that_cannot_write_are_told(tmp_path: Path) -> None:
    gauges, failing = StorageGauges(CollectorRegistry()), {"bus": lambda: True}
    with small_disk(tmp_path / "small", megabytes=8) as disk:
        signs = Signs({"telemetry": disk.folder, "bus": tmp_path}, {}, lambda: 0.0, failing)
        assert set(look_at(signs, gauges)) == {(Trouble.FULL, "bus")}
        disk.set_writable(False)
        found = set(look_at(signs, gauges))
        assert found == {(Trouble.FULL, "bus"), (Trouble.FULL, "telemetry")}
        disk.set_writable(True)
        assert set(look_at(signs, gauges)) == {(Trouble.FULL, "bus")}


def test_little_room_is_told_before_none_is_left(tmp_path: Path) -> None:
    gauges = StorageGauges(CollectorRegistry())
    with small_disk(tmp_path / "small", megabytes=8) as disk:
        signs = Signs({"telemetry": disk.folder}, {}, lambda: 0.0)
        assert not look_at(signs, gauges)
        disk.fill(leave_bytes=MB // 2)
        assert set(look_at(signs, gauges)) == {(Trouble.LOW, "telemetry")}
        disk.fill()
        assert set(look_at(signs, gauges)) == {(Trouble.FULL, "telemetry")}
        disk.empty()
        assert not look_at(signs, gauges)


def test_a_folder_that_is_gone_and_a_bus_that_fills_up_are_told(tmp_path: Path) -> None:
    signs = Signs({"database": tmp_path / "none"}, {}, lambda: 0.9)
    found = set(look_at(signs, StorageGauges(CollectorRegistry()), low_bytes=0))
    assert found == {(Trouble.FULL, "database"), (Trouble.UNREAD, "bus")}
