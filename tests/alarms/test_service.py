"""The alarm service on a real PostgreSQL: one alarm a condition, once an episode, whoever tells it how often."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource, Detection
from alarms.errors import AlarmNotFound, UnknownAlarmSort
from alarms.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmReturned,
    AlarmSeverityChanged,
    AlarmSuppressed,
)
from alarms.lifecycle import AlarmActionNotPossible, AlarmState, AlarmStillPresent
from alarms.models import Alarm, AlarmEpisode, TransitionRecord
from alarms.repository import AlarmFilter
from alarms.service import AlarmLabel
from alarms.transition import AlarmTransition, TransitionKind
from building.severity import Severity
from kit.access import Scope
from kit.db import Database, driver_connection
from kit.events import RecordingOutbox
from kit.ids import new_id
from kit.totals import Total
from people.models import Person
from tests.alarms.place import NOON, Place
from tests.statements import statements_of

ANYWHERE = Scope.everywhere()


async def apply(database: Database, place: Place, *detections: Detection) -> list[AlarmTransition]:
    async with database.transaction() as session:
        return await place.alarms.apply(session, detections)


async def the_alarm(database: Database) -> Alarm:
    async with database.transaction() as session:
        return (await session.scalars(select(Alarm))).one()


async def somebody(database: Database, name: str = "张工") -> UUID:
    person = Person(id=new_id(), kind="staff", name=name)
    async with database.transaction() as session:
        session.add(person)
    return person.id


async def test_a_detection_raises_one_alarm_and_says_so(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    [transition] = await apply(database, place, place.detection())

    alarm = await the_alarm(database)
    assert alarm.state == AlarmState.UNACKED
    assert (alarm.equipment_code, alarm.site_code, alarm.onset_at) == ("PUMP-01", "test", NOON)
    assert transition.topic == "site/test/alarms"
    assert transition.message.transition == TransitionKind.RAISED
    assert transition.message.value == {"bearing_temp_c": 81.5}
    [raised] = outbox.of(AlarmRaised)
    assert (raised.alarm_id, raised.order_kind, raised.order_priority, raised.life_safety) == (
        alarm.id, "repair", 2, False,
    )  # fmt: skip


async def test_the_same_detection_again_does_nothing(database: Database, place: Place, outbox: RecordingOutbox) -> None:
    await apply(database, place, place.detection())
    assert await apply(database, place, place.detection()) == []
    assert len(outbox.of(AlarmRaised)) == 1


async def test_an_episode_that_is_over_is_neither_begun_nor_ended_again(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    begun, ended = place.detection(), place.detection(active=False)
    await apply(database, place, begun, ended)
    assert await apply(database, place, begun, ended) == []
    assert len(outbox.of(AlarmRaised)) == len(outbox.of(AlarmReturned)) == 1


async def test_the_end_of_an_episode_nobody_began_does_nothing(database: Database, place: Place) -> None:
    assert await apply(database, place, place.detection(active=False)) == []


async def test_detections_are_entered_in_event_time_whatever_their_order(database: Database, place: Place) -> None:
    await apply(database, place, place.detection(active=False), place.detection())
    assert (await the_alarm(database)).state == AlarmState.RTN_UNACKED


async def test_a_condition_that_comes_back_before_anybody_looked_is_the_same_alarm_announced_again(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection(), place.detection(active=False))
    await apply(database, place, place.detection(onset_s=300))
    alarm = await the_alarm(database)
    assert (alarm.state, alarm.episodes, alarm.is_present) == (AlarmState.UNACKED, 2, True)
    assert len(outbox.of(AlarmRaised)) == 2


async def test_an_acknowledged_alarm_becomes_normal_when_its_condition_ends_and_the_next_onset_is_a_new_alarm(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection())
    alarm, person = await the_alarm(database), await somebody(database)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=person, note="已派人")
    await apply(database, place, place.detection(active=False))
    assert (await the_alarm(database)).state == AlarmState.NORMAL
    assert [e.alarm_id for e in outbox.of(AlarmCleared)] == [alarm.id]

    await apply(database, place, place.detection(onset_s=600))
    async with database.transaction() as session:
        states = (await session.scalars(select(Alarm.state).order_by(Alarm.onset_at))).all()
    assert states == [AlarmState.NORMAL, AlarmState.UNACKED]


async def test_life_safety_latches_until_a_person_has_seen_that_it_is_over(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.smoke())
    alarm, person = await the_alarm(database), await somebody(database)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=person)
    with pytest.raises(AlarmStillPresent):
        async with database.transaction() as session:
            await place.alarms.clear(session, ANYWHERE, alarm.id, actor=person, note="误报")
    await apply(database, place, place.smoke(active=False))
    assert (await the_alarm(database)).state == AlarmState.RTN_UNACKED
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=person)
    assert (await the_alarm(database)).state == AlarmState.NORMAL
    assert all(event.life_safety for event in outbox.events)
    assert len(outbox.of(AlarmAcknowledged)) == 2


async def test_history_says_who_did_what_when_and_why(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm, person = await the_alarm(database), await somebody(database)
    place.clock.advance(seconds=90)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=person, note="已派人")
    async with database.transaction() as session:
        await place.alarms.clear(session, ANYWHERE, alarm.id, actor=person, note="探头松动")
        entries = await place.alarms.history(session, ANYWHERE, alarm.id)
    assert [(e.kind, e.before, e.after, e.actor_id, e.note) for e in entries] == [
        ("raised", "NORMAL", "UNACKED", None, ""),
        ("acknowledged", "UNACKED", "ACKED", person, "已派人"),
        ("cleared", "ACKED", "NORMAL", person, "探头松动"),
    ]
    assert entries[1].at == NOON + timedelta(seconds=90)


async def test_an_alarm_cleared_by_hand_is_not_raised_again_by_the_same_episode(
    database: Database, place: Place
) -> None:
    await apply(database, place, place.detection())
    alarm, person = await the_alarm(database), await somebody(database)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=person)
        await place.alarms.clear(session, ANYWHERE, alarm.id, actor=person, note="拆除")
    assert await apply(database, place, place.detection()) == []
    assert await apply(database, place, place.detection(active=False)) == []
    async with database.transaction() as session:
        episode = (await session.scalars(select(AlarmEpisode))).one()
    assert episode.ended_at is not None


async def test_an_alarm_of_another_site_is_not_there(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm, elsewhere = await the_alarm(database), Scope.of(new_id())
    async with database.transaction() as session:
        for ask in (place.alarms.get, place.alarms.history):
            with pytest.raises(AlarmNotFound):
                await ask(session, elsewhere, alarm.id)
        with pytest.raises(AlarmNotFound):
            await place.alarms.acknowledge(session, elsewhere, alarm.id, actor=None)
        assert await place.alarms.find(
            session, elsewhere, AlarmFilter(), sort="onset_at", limit=10, offset=0
        ) == ([], Total(0, is_more=False))  # fmt: skip


async def test_acknowledging_twice_is_refused(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm = await the_alarm(database)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=None)
        with pytest.raises(AlarmActionNotPossible):
            await place.alarms.acknowledge(session, ANYWHERE, alarm.id, actor=None)


# --- suppression -------------------------------------------------------------------------------------------------


async def inhibit(database: Database, place: Place, code: str, **changes: object) -> UUID:
    async with database.transaction() as session:
        return await place.alarms.inhibit(
            session, equipment_id=place.equipment_id(code), reason="WO-20261122-0007", **changes  # type: ignore[arg-type]
        )  # fmt: skip


async def test_an_inhibited_equipments_nuisance_alarm_is_recorded_but_not_announced(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await inhibit(database, place, "PUMP-01")
    [transition] = await apply(database, place, place.detection())
    assert transition.message.suppressed
    assert (await the_alarm(database)).suppressed_by == "inhibited"
    assert outbox.of(AlarmRaised) == []
    assert len(outbox.of(AlarmSuppressed)) == 1


async def test_smoke_is_never_muted(database: Database, place: Place, outbox: RecordingOutbox) -> None:
    await inhibit(database, place, "SMOKE-001")
    [transition] = await apply(database, place, place.smoke())
    assert not transition.message.suppressed
    assert len(outbox.of(AlarmRaised)) == 1


async def test_an_inhibition_of_one_fault_mode_leaves_the_others_alone(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await inhibit(database, place, "PUMP-01", fault_mode="dry_run")
    await apply(database, place, place.detection())
    assert len(outbox.of(AlarmRaised)) == 1


async def test_releasing_an_inhibition_announces_what_still_lasts(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    inhibition_id = await inhibit(database, place, "PUMP-01")
    await apply(database, place, place.detection())
    async with database.transaction() as session:
        await place.alarms.release(session, inhibition_id=inhibition_id)
        await place.alarms.release(session, inhibition_id=inhibition_id)
    async with database.transaction() as session:
        await place.alarms.lift_suppression(session)
    assert (await the_alarm(database)).suppressed_by is None
    assert len(outbox.of(AlarmRaised)) == 1


async def test_an_inhibition_that_ran_out_is_lifted_by_the_sweep_and_not_before(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await inhibit(database, place, "PUMP-01", until=NOON + timedelta(minutes=5))
    await apply(database, place, place.detection())
    for minutes, announced in ((4, 0), (2, 1)):
        place.clock.advance(seconds=minutes * 60)
        async with database.transaction() as session:
            await place.alarms.lift_suppression(session)
        assert len(outbox.of(AlarmRaised)) == announced


async def test_a_rule_that_becomes_one_of_life_safety_counts_as_such_from_its_next_word_on(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    """Raised again, grown worse, or gone: whichever comes first."""
    grave: dict[str, Any] = {"life_safety": True, "fault_mode": "gas_leak"}
    bad: dict[str, Any] = {"source_id": "pump-bearing-wear#critical", "severity": Severity.CRITICAL}
    pumps = ("PUMP-01", "PUMP-02", "LIFT-01")
    for code in pumps:
        await inhibit(database, place, code)
        await apply(database, place, place.detection(code))
    await apply(database, place, place.detection(at_s=30, active=False))
    again = place.detection(onset_s=90, **grave)
    worse, gone = (
        place.detection("PUMP-02", onset_s=90, **bad, **grave),
        place.detection("LIFT-01", active=False, **grave),
    )
    await apply(database, place, again, worse, gone)
    async with database.transaction() as session:
        rows = (await session.scalars(select(Alarm).order_by(Alarm.equipment_code))).all()
    assert [(row.equipment_code, row.state, row.fault_mode) for row in rows] == [
        ("LIFT-01", "RTN_UNACKED", "gas_leak"), ("PUMP-01", "UNACKED", "gas_leak"), ("PUMP-02", "UNACKED", "gas_leak"),
    ]  # fmt: skip
    assert all(row.life_safety and row.suppressed_by is None and row.attended_at == NOON for row in rows)
    [raised], [changed] = outbox.of(AlarmRaised), outbox.of(AlarmSeverityChanged)
    assert (raised.life_safety, raised.fault_mode, changed.life_safety, changed.is_worse) == (
        True, "gas_leak", True, True,
    )  # fmt: skip
    # A rule that is ordinary again does not take a matter of life that nobody answered for a nuisance.
    await apply(database, place, place.detection(onset_s=90, at_s=120, active=False), place.detection(onset_s=300))
    async with database.transaction() as session:
        assert (await session.scalars(select(Alarm.life_safety).where(Alarm.id == raised.alarm_id))).one()


async def test_whatever_is_cleared_by_hand_stays_quiet_and_its_telephones_do(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.smoke(), place.smoke(active=False))
    alarm, person = await the_alarm(database), await somebody(database)
    async with database.transaction() as session:
        await place.alarms.clear(session, ANYWHERE, alarm.id, actor=person, note="烟感已更换")
    assert [(event.alarm_id, event.person_id) for event in outbox.of(AlarmAcknowledged)] == [(alarm.id, person)]


# --- races, floods, lists ----------------------------------------------------------------------------------------


async def test_two_writers_at_once_make_one_alarm(database: Database, place: Place) -> None:
    """Two judges (one of them a paused owner that woke up) see the same condition with different onsets."""
    writers = [apply(database, place, place.detection(onset_s=second)) for second in range(6)]
    await asyncio.gather(*writers)
    alarm = await the_alarm(database)
    assert (alarm.state, alarm.episodes) == (AlarmState.UNACKED, 6)


async def test_the_database_itself_refuses_a_second_open_alarm(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm = await the_alarm(database)
    copy = {column.name: getattr(alarm, column.name) for column in Alarm.__table__.columns if column.name != "id"}
    with pytest.raises(IntegrityError, match="uq_alarm_open"):
        async with database.transaction() as session:
            session.add(Alarm(**copy))


async def test_the_database_itself_refuses_an_episode_twice(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    with pytest.raises(IntegrityError, match="uq_alarm_episode_identity"):
        async with database.transaction() as session:
            known = (await session.scalars(select(AlarmEpisode))).one()
            session.add(
                AlarmEpisode(
                    alarm_id=known.alarm_id,
                    equipment_id=known.equipment_id,
                    source=known.source,
                    source_id=known.source_id,
                    onset_ms=known.onset_ms,
                )
            )


async def test_a_flood_takes_a_handful_of_statements(database: Database, place: Place) -> None:
    flood = [place.smoke(f"SMOKE-{n:03}") for n in range(1, 301)]
    async with database.transaction() as session:
        with statements_of(await driver_connection(session)) as statements:
            transitions = await place.alarms.apply(session, flood)
    assert len(transitions) == 300
    assert len(statements) <= 10


async def test_a_condition_that_ends_and_comes_back_in_one_batch_gets_its_new_alarm(
    database: Database, place: Place
) -> None:
    await apply(database, place, place.detection())
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, (await the_alarm(database)).id, actor=None)
    await apply(database, place, place.detection(active=False), place.detection(onset_s=120))
    async with database.transaction() as session:
        states = (await session.scalars(select(Alarm.state).order_by(Alarm.onset_at))).all()
    assert states == [AlarmState.NORMAL, AlarmState.UNACKED]


async def test_transitions_are_numbered_in_the_order_in_which_they_happened(database: Database, place: Place) -> None:
    both = [
        place.detection("PUMP-02", onset_s=n, active=active) for n in range(0, 600, 120) for active in (True, False)
    ]
    transitions = await apply(database, place, *reversed(both))
    numbers = [transition.message.no for transition in transitions]
    assert numbers == sorted(numbers)
    assert [transition.message.transition for transition in transitions] == ["raised", "returned"] * 5


async def test_what_the_database_refuses_is_said_by_name_and_leaves_nothing(database: Database, place: Place) -> None:
    """In a pipeline later statements fail too; the first one is what is told."""
    nobodys = replace(place.detection(), site_id=new_id())
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await apply(database, place, nobodys, place.detection("PUMP-02"))
    async with database.transaction() as session:
        assert (await session.scalars(select(Alarm))).all() == []


async def test_detections_of_removed_equipment_are_left_out(database: Database, place: Place) -> None:
    strange = Detection(
        source=AlarmSource.RULE, source_id="x", equipment_id=new_id(), site_id=place.site_id, active=True, onset_ms=1,
        at_ms=1, severity=Severity.MINOR, fault_mode="x", life_safety=False, message={},
    )  # fmt: skip
    assert len(await apply(database, place, strange, place.detection())) == 1


async def test_a_list_filters_sorts_and_pages(database: Database, place: Place) -> None:
    await apply(
        database,
        place,
        place.detection("PUMP-01"),
        place.detection("PUMP-02", onset_s=10, severity=Severity.MINOR),
        place.smoke(onset_s=20),
    )

    async def codes(sort: str = "onset_at", limit: int = 10, offset: int = 0, **wanted: object) -> list[str]:
        async with database.transaction() as session:
            rows, _ = await place.alarms.find(
                session, Scope.of(place.site_id), AlarmFilter(**wanted), sort=sort, limit=limit, offset=offset  # type: ignore[arg-type]
            )  # fmt: skip
        return [row.equipment_code for row in rows]

    assert await codes() == ["PUMP-01", "PUMP-02", "SMOKE-001"]
    assert await codes("severity") == ["SMOKE-001", "PUMP-01", "PUMP-02"]
    assert await codes("-equipment", limit=1, offset=1) == ["PUMP-02"]
    assert await codes(severities=[Severity.MINOR]) == ["PUMP-02"]
    assert await codes(life_safety=True) == ["SMOKE-001"]
    assert await codes(equipment_id=place.equipment_id("PUMP-01")) == ["PUMP-01"]
    assert await codes(states=[AlarmState.ACKED]) == []
    assert await codes(active=False) == []
    assert await codes(since=NOON + timedelta(seconds=10), until=NOON + timedelta(seconds=20)) == ["PUMP-02"]
    async with database.transaction() as session:
        with pytest.raises(UnknownAlarmSort):
            await place.alarms.find(session, ANYWHERE, AlarmFilter(), sort="colour", limit=1, offset=0)


async def test_a_label_is_kept(database: Database, place: Place) -> None:
    await apply(database, place, place.detection())
    alarm = await the_alarm(database)
    async with database.transaction() as session:
        await place.alarms.label(session, alarm_id=alarm.id, label=AlarmLabel.FALSE_ALARM)
    assert (await the_alarm(database)).label == "false_alarm"


async def test_lasting_episodes_are_those_that_have_not_ended(database: Database, place: Place) -> None:
    await apply(
        database, place, place.detection(), place.detection("PUMP-02"), place.detection("PUMP-02", active=False)
    )
    pumps = [place.equipment_id("PUMP-01"), place.equipment_id("PUMP-02")]
    async with database.transaction() as session:
        lasting = await place.alarms.lasting_episodes(
            session, source=AlarmSource.RULE, life_safety=False, equipment_ids=pumps
        )
    assert [key[0] for key in lasting] == pumps[:1]


async def test_a_failed_transaction_leaves_nothing(database: Database, place: Place) -> None:
    class Stop(Exception):
        pass

    async def fail(session: AsyncSession) -> None:
        await place.alarms.apply(session, [place.detection()])
        raise Stop

    with pytest.raises(Stop):
        async with database.transaction() as session:
            await fail(session)
    async with database.transaction() as session:
        assert (await session.scalars(select(TransitionRecord))).all() == []
