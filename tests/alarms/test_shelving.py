"""Shelving after ISA-18.2: a nuisance is put away for a while, by somebody, for a reason; never life safety."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from alarms.errors import AlarmNotShelved, LifeSafetyNotShelved, NothingToShelve
from alarms.events import AlarmRaised
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, Inhibition, InhibitionKind
from alarms.suppression import holder_of
from kit.access import Scope
from kit.db import Database
from kit.events import RecordingOutbox
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import apply, somebody, the_alarm

ANYWHERE = Scope.everywhere()
HOUR = timedelta(hours=1)


async def shelve(database: Database, place: Place, alarm_id: UUID, *, span: timedelta = HOUR) -> None:
    actor = await somebody(database)
    async with database.transaction() as session:
        await place.alarms.shelve(session, ANYWHERE, alarm_id, span=span, actor=actor, note="接触不良")


async def sweep(database: Database, place: Place) -> None:
    async with database.transaction() as session:
        await place.alarms.lift_suppression(session)


async def kinds(database: Database, place: Place, alarm_id: UUID) -> list[str]:
    async with database.transaction() as session:
        return [line.kind for line in await place.alarms.history(session, ANYWHERE, alarm_id)]


async def test_a_shelved_condition_is_recorded_and_not_announced_until_its_time_is_over(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection())
    alarm_id = (await the_alarm(database)).id
    await shelve(database, place, alarm_id)
    await apply(database, place, place.detection(active=False), place.detection(onset_s=120))
    alarm = await the_alarm(database)
    assert (alarm.suppressed_by, alarm.shelved_until) == (InhibitionKind.SHELVED, NOON + HOUR)
    assert len(outbox.of(AlarmRaised)) == 1

    await sweep(database, place)
    assert (await the_alarm(database)).suppressed_by is not None, "not before its time"
    place.clock.advance(seconds=3_600)
    await sweep(database, place)
    alarm = await the_alarm(database)
    assert (alarm.suppressed_by, alarm.shelved_until, alarm.state) == (None, None, AlarmState.UNACKED)
    assert len(outbox.of(AlarmRaised)) == 2
    assert await kinds(database, place, alarm_id) == ["raised", "shelved", "returned", "suppressed", "unshelved"]


async def test_the_shelf_outlives_an_alarm_that_became_normal(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection())
    first = await the_alarm(database)
    await shelve(database, place, first.id)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, first.id, actor=None)
    await apply(database, place, place.detection(active=False), place.detection(onset_s=120))
    async with database.transaction() as session:
        again = (await session.scalars(select(Alarm).where(Alarm.state != AlarmState.NORMAL))).one()
    assert (again.id != first.id, again.suppressed_by) == (True, InhibitionKind.SHELVED)
    assert len(outbox.of(AlarmRaised)) == 1


async def test_another_condition_of_the_same_equipment_is_announced(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection())
    await shelve(database, place, (await the_alarm(database)).id)
    await apply(database, place, place.detection(source_id="pump-dry-run", fault_mode="dry_run"))
    assert [raised.source_id for raised in outbox.of(AlarmRaised)] == ["pump-bearing-wear", "pump-dry-run"]


async def test_it_comes_off_the_shelf_by_hand_once(database: Database, place: Place, outbox: RecordingOutbox) -> None:
    await apply(database, place, place.detection())
    alarm_id = (await the_alarm(database)).id
    await shelve(database, place, alarm_id)
    async with database.transaction() as session:
        alarm = await place.alarms.unshelve(session, ANYWHERE, alarm_id, actor=None, note="已更换")
        assert alarm.suppressed_by is None
    async with database.transaction() as session:
        with pytest.raises(AlarmNotShelved):
            await place.alarms.unshelve(session, ANYWHERE, alarm_id, actor=None)
    assert len(outbox.of(AlarmRaised)) == 2


async def test_what_is_inhibited_too_stays_muted_when_it_comes_off_the_shelf(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm_id = (await the_alarm(database)).id
    await shelve(database, place, alarm_id)
    async with database.transaction() as session:
        await place.alarms.inhibit(session, equipment_id=place.equipment_id("PUMP-01"), reason="检修")
    async with database.transaction() as session:
        await place.alarms.unshelve(session, ANYWHERE, alarm_id, actor=None)
    assert (await the_alarm(database)).suppressed_by == InhibitionKind.INHIBITED


async def test_shelving_again_moves_the_end(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm_id = (await the_alarm(database)).id
    await shelve(database, place, alarm_id, span=5 * HOUR)
    await shelve(database, place, alarm_id, span=HOUR)
    assert (await the_alarm(database)).shelved_until == NOON + HOUR
    place.clock.advance(seconds=3_601)
    await sweep(database, place)
    assert (await the_alarm(database)).suppressed_by is None
    async with database.transaction() as session:
        standing = await session.scalars(select(Inhibition).where(Inhibition.released_at.is_(None)))
        assert standing.all() == []


async def test_life_safety_and_what_is_over_are_not_shelved(database: Database, place: Place) -> None:
    await apply(database, place, place.smoke())
    smoke = await the_alarm(database)
    with pytest.raises(LifeSafetyNotShelved):
        await shelve(database, place, smoke.id)
    await apply(database, place, place.detection())
    async with database.transaction() as session:
        over = (await session.scalars(select(Alarm).where(Alarm.life_safety.is_(False)))).one()
        await place.alarms.acknowledge(session, ANYWHERE, over.id, actor=None)
    await apply(database, place, place.detection(active=False))
    with pytest.raises(NothingToShelve):
        await shelve(database, place, over.id)


@pytest.mark.parametrize(
    ("kind", "life_safety", "same_condition", "same_fault", "is_over"),
    list(product(InhibitionKind, *([(False, True)] * 4))),
)
def test_who_is_held_back_by_what(
    kind: InhibitionKind, life_safety: bool, same_condition: bool, same_fault: bool, is_over: bool
) -> None:
    alarm = Alarm(source="rule", source_id="a", fault_mode="x", life_safety=life_safety)
    facts: dict[str, Any] = {"source": "rule", "source_id": "a" if same_condition else "b"}
    if by_design := kind in (InhibitionKind.INHIBITED, InhibitionKind.MAINTENANCE):
        facts = {"fault_mode": "x" if same_fault else "y"}
    standing = [Inhibition(kind=kind, until=NOON if is_over else NOON + HOUR, **facts)]
    concerned = kind is InhibitionKind.LOCKED_OUT or (same_fault if by_design else same_condition)
    # A test marks an alarm and hides nothing.
    holds = concerned and not is_over and not life_safety and kind is not InhibitionKind.TESTING
    assert (holder_of(alarm, standing, now=NOON) is not None) == holds
