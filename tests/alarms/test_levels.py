"""Levels of a rule as one alarm on a real PostgreSQL: what is saved, and what the rest of the hub hears."""

from typing import Any

from sqlalchemy import select

from alarms.detection import AlarmSource, OrderPolicy
from alarms.events import AlarmRaised, AlarmReturned, AlarmSeverityChanged
from alarms.lifecycle import AlarmState
from alarms.models import AlarmEpisode
from building.severity import Severity
from kit.access import Scope
from kit.db import Database
from kit.events import RecordingOutbox
from tests.alarms.place import Place
from tests.alarms.test_service import apply, somebody, the_alarm
from tests.alarms.test_shelving import kinds, shelve

MILD: dict[str, Any] = {"severity": Severity.WARNING, "order": None}
BAD: dict[str, Any] = {"source_id": "pump-bearing-wear#critical", "severity": Severity.CRITICAL}


async def test_levels_are_one_alarm_that_escalates_asks_again_and_comes_down(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection(**MILD))
    alarm = await the_alarm(database)
    async with database.transaction() as session:
        await place.alarms.acknowledge(session, Scope.everywhere(), alarm.id, actor=await somebody(database))

    [worse] = await apply(database, place, place.detection(onset_s=30, order=OrderPolicy("repair", 1), **BAD))
    assert (worse.message.transition, worse.message.severity) == ("escalated", "critical")
    assert worse.message.rule == "pump-bearing-wear"
    assert await apply(database, place, place.detection(onset_s=30, **BAD)) == [], "once, however often it is told"
    alarm = await the_alarm(database)
    assert (alarm.state, alarm.severity, alarm.severity_rank) == (AlarmState.UNACKED, "critical", 0)
    assert (alarm.order_kind, alarm.order_priority, alarm.episodes) == ("repair", 1, 1)

    await apply(database, place, place.detection(onset_s=30, at_s=60, active=False, **BAD))
    assert (await the_alarm(database)).severity == "warning"
    async with database.transaction() as session:
        lasting = await place.alarms.lasting_episodes(
            session, source=AlarmSource.RULE, life_safety=False, equipment_ids=[alarm.equipment_id]
        )
        every = (await session.scalars(select(AlarmEpisode).order_by(AlarmEpisode.onset_ms))).all()
    assert [level for _, _, level, _ in lasting] == ["pump-bearing-wear"]
    assert [each.severity for each in every] == ["warning", "critical"]
    await apply(database, place, place.detection(at_s=90, active=False, **MILD))

    assert await kinds(database, place, alarm.id) == [
        "raised", "acknowledged", "escalated", "downgraded", "returned",
    ]  # fmt: skip
    changes = [(each.is_worse, each.severity, each.order_kind) for each in outbox.of(AlarmSeverityChanged)]
    assert changes == [(True, Severity.CRITICAL, "repair"), (False, Severity.WARNING, "repair")]
    assert (len(outbox.of(AlarmRaised)), len(outbox.of(AlarmReturned))) == (1, 1)


async def test_what_was_put_away_escalates_without_a_word(
    database: Database, place: Place, outbox: RecordingOutbox
) -> None:
    await apply(database, place, place.detection(**MILD))
    alarm = await the_alarm(database)
    await shelve(database, place, alarm.id)
    await apply(database, place, place.detection(onset_s=30, **BAD))
    assert (await the_alarm(database)).severity == "critical"
    assert await kinds(database, place, alarm.id) == ["raised", "shelved", "escalated"]
    assert outbox.of(AlarmSeverityChanged) == []
