"""Links that are lost become alarms, however often and in whatever order it is told."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from alarms.handlers import LinkAlarms
from alarms.lifecycle import AlarmState
from alarms.models import Alarm
from building.link import LinkChange
from catalog.events import LinkChanged
from catalog.service import CatalogService
from kit.db import Database
from kit.i18n import Texts
from kit.ids import new_id
from tests.alarms.place import NOON, Place


@pytest.fixture
def links(place: Place) -> LinkAlarms:
    return LinkAlarms(place.alarms, CatalogService({}), place.directory, Texts.load(["kit", "alarms"]), place.clock)


async def note(database: Database, place: Place, *, is_up: bool, at: datetime) -> None:
    async with database.transaction() as session:
        await CatalogService({}).note_links(session, [LinkChange(place.equipment_id("LIFT-01"), is_up, at)])


async def tell(database: Database, place: Place, links: LinkAlarms, *, is_up: bool) -> None:
    event = LinkChanged(site_id=place.site_id, equipment_id=place.equipment_id("LIFT-01"), is_up=is_up)
    async with database.transaction() as session:
        await links.on_link_changed(session, event)


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list((await session.scalars(select(Alarm))).all())


async def test_a_lost_link_is_an_alarm_until_it_is_back(database: Database, place: Place, links: LinkAlarms) -> None:
    await note(database, place, is_up=False, at=NOON)
    await tell(database, place, links, is_up=False)
    await tell(database, place, links, is_up=False)
    [alarm] = await alarms(database)
    assert (alarm.state, alarm.fault_mode, alarm.source, alarm.onset_at) == (
        AlarmState.UNACKED, "offline", "link", NOON,
    )  # fmt: skip
    await note(database, place, is_up=True, at=NOON + timedelta(minutes=5))
    await tell(database, place, links, is_up=True)
    [alarm] = await alarms(database)
    assert (alarm.state, alarm.returned_at) == (AlarmState.RTN_UNACKED, NOON + timedelta(minutes=5))


async def test_events_that_come_in_the_wrong_order_end_where_the_link_is(
    database: Database, place: Place, links: LinkAlarms
) -> None:
    await note(database, place, is_up=False, at=NOON)
    await tell(database, place, links, is_up=False)
    await note(database, place, is_up=True, at=NOON + timedelta(minutes=5))
    await tell(database, place, links, is_up=True)
    await tell(database, place, links, is_up=False)
    [alarm] = await alarms(database)
    assert (alarm.is_present, alarm.episodes) == (False, 1)


async def test_removed_equipment_is_passed_over(database: Database, place: Place, links: LinkAlarms) -> None:
    event = LinkChanged(site_id=place.site_id, equipment_id=new_id(), is_up=False)
    async with database.transaction() as session:
        await links.on_link_changed(session, event)
    assert await alarms(database) == []
