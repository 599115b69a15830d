"""What the line of detections reads and writes, set by set: a flood takes as many statements as one detection.

Alarms and episodes read here belong to no session: what the ledger does to them is written by `save` and by nothing
else. In a pipeline (`kit.db.pipelined`) all reading is one round trip and all writing another.

Whoever locks, here or elsewhere in the room, does so in this order, so that nobody waits in a circle: conditions
(advisory, by number), test windows by id, locks on equipment, alarms by id, what shelves them or took them out of
service, sites of floods (advisory). Who has a later one already takes an earlier one only where it need not wait.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from zlib import crc32

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import Detection, condition_of, episode_of
from alarms.flood import line_repository as flood_repository
from alarms.flood.line_repository import FloodFound, FloodInquiry
from alarms.flood.planning import FloodPlan
from alarms.ledger import Ledger, OpenBook
from alarms.models import Alarm, AlarmEpisode, Inhibition, MaintenanceWindow, TransitionRecord
from kit.db import answered, driver_connection
from kit.rows import Connection, Writing, change, documents, fetch, insertion, things, write

# Lock classes keep ordinary floods and life safety from ever waiting for each other. A condition that has become a
# matter of life meanwhile is told by one of each for a moment: then its row keeps them in line.
_ORDINARY_LOCKS, _LIFE_SAFETY_LOCKS = 0x5A48_0011, 0x5A48_0012
# A flood of thousands takes at most this many locks.
_LOCK_BUCKETS = 64

_LOCK = b"SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) AS bucket"
_CONDITIONS = b" JOIN unnest(%s::uuid[], %s::text[], %s::text[]) AS asked (equipment_id, source, source_id)"
_OPEN_ALARMS = (
    b"SELECT alarm.* FROM alarm" + _CONDITIONS + b" USING (equipment_id, source, source_id)"
    b" WHERE state <> 'NORMAL' ORDER BY alarm.id FOR NO KEY UPDATE OF alarm"
)
# Two ways of asking, each with an index of its own: an equipment may have had thousands of episodes.
_EPISODES = (
    # Of all levels: their source ids begin with that of their alarm.
    b"SELECT alarm_episode.* FROM alarm_episode" + _CONDITIONS + b" ON alarm_episode.equipment_id = asked.equipment_id"
    b" AND alarm_episode.source = asked.source AND split_part(alarm_episode.source_id, '#', 1) = asked.source_id"
    b" WHERE ended_at IS NULL"
    b" UNION ALL SELECT alarm_episode.* FROM alarm_episode"
    b" JOIN unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[])"
    b" AS asked (equipment_id, source, source_id, onset_ms) USING (equipment_id, source, source_id, onset_ms)"
    b" WHERE ended_at IS NOT NULL"
)
_INHIBITIONS = b"SELECT * FROM alarm_inhibition WHERE equipment_id = ANY(%s) AND released_at IS NULL"
_WINDOWS = b"SELECT * FROM alarm_maintenance_window WHERE site_id = ANY(%s) AND ended_at IS NULL"
# Taken beforehand, so that nothing has to be asked after the writing; what is left over is a gap.
_NUMBERS = (
    b"SELECT nextval(pg_get_serial_sequence('alarm_transition', 'no')) AS no FROM generate_series(1, %s) ORDER BY no"
)
# After the locks, in a statement of its own: it must see what whoever had them before has written.
_BOOK = documents(alarms=_OPEN_ALARMS, episodes=_EPISODES, inhibitions=_INHIBITIONS, windows=_WINDOWS, numbers=_NUMBERS)

# What the ledger may change of an alarm that was there before, and all it says of a new one.
_MOVED = (
    "id", "state", "is_present", "values", "episode_onset_at", "returned_at", "cleared_at", "episodes", "suppressed_by",
    "shelved_until", "is_test", "attended_at", "reminders", "severity", "severity_rank", "message", "order_kind",
    "order_priority", "order_joins", "rule_version", "fault_mode", "life_safety",
)  # fmt: skip
_LINKS = ("root_id", "group_id", "flapping_since")
_ALARM = (
    *_MOVED, *_LINKS, "site_id", "equipment_id", "building_id", "site_code", "equipment_code", "equipment_name",
    "source", "source_id", "onset_at", "raised_at",
)  # fmt: skip
_EPISODE = ("id", "alarm_id", "equipment_id", "source", "source_id", "onset_ms", "ended_at", "severity")
_TRANSITION = (
    "no", "id", "alarm_id", "site_id", "kind", "before", "after", "at", "recorded_at", "actor_id", "note", "via",
    "values", "severity",
)  # fmt: skip


async def open_book(
    session: AsyncSession, detections: Sequence[Detection], inquiry: FloodInquiry | None = None
) -> tuple[OpenBook, FloodFound | None]:
    """Locks the conditions until the session ends and reads what is known of them, and of floods what is asked."""
    connection = await driver_connection(session)
    await _lock(connection, detections)
    conditions = _columns({condition_of(detection) for detection in detections})
    episodes = _columns({episode_of(detection) for detection in detections})
    # A detection is one transition at most.
    sites = list({detection.site_id for detection in detections})
    asked = await fetch(connection, _BOOK, *conditions, *conditions, *episodes, conditions[0], sites, len(detections))
    # After the rows: whoever has a site waits for no row any more, so that nobody waits in a circle.
    asked_of_floods = await flood_repository.ask(connection, inquiry) if inquiry is not None else None
    await answered(session)
    found = await asked.fetchone()
    assert found is not None
    book = OpenBook()
    for alarm in things(Alarm, found["alarms"]):
        book.alarms[alarm.equipment_id, alarm.source, alarm.source_id] = alarm
    for episode in things(AlarmEpisode, found["episodes"]):
        book.episodes[episode.equipment_id, episode.source, episode.source_id, episode.onset_ms] = episode
    for inhibition in things(Inhibition, found["inhibitions"]):
        book.inhibitions.setdefault(inhibition.equipment_id, []).append(inhibition)
    book.windows = things(MaintenanceWindow, found["windows"])
    book.numbers = [row["no"] for row in msgspec.json.decode(found["numbers"])]
    return book, await flood_repository.found_of(asked_of_floods) if asked_of_floods is not None else None


async def save(
    session: AsyncSession, ledger: Ledger, *, numbers: Sequence[int], flood: FloodPlan | None = None
) -> None:
    """Writes down what the ledger did, its transitions under these numbers, and what was decided about a flood; in a
    pipeline it waits for no answer."""
    assert len(ledger.moves) <= len(numbers)
    for (_, record), number in zip(ledger.moves, numbers, strict=False):
        record.no = number
    connection = await driver_connection(session)
    new = {alarm.id: alarm for alarm in ledger.new_alarms}
    moved = {alarm.id: alarm for alarm, _ in ledger.moves if alarm.id not in new}
    writings: list[Writing] = []
    if moved and new:
        # First those that may have become NORMAL: their condition may have a new alarm. Then, beside the new ones,
        # what they are linked to.
        await write(connection, change(Alarm, _rows(moved.values(), _MOVED)))
        writings.append(change(Alarm, _rows(moved.values(), ("id", *_LINKS))))
    elif moved:
        writings.append(change(Alarm, _rows(moved.values(), (*_MOVED, *_LINKS))))
    if new:
        writings.append(insertion(Alarm, _rows(new.values(), _ALARM)))
    if ledger.changed_episodes:
        writings.append(change(AlarmEpisode, _rows(ledger.changed_episodes.values(), ("id", "alarm_id", "ended_at"))))
    if ledger.new_episodes:
        writings.append(insertion(AlarmEpisode, _rows(ledger.new_episodes, _EPISODE)))
    if ledger.moves:
        writings.append(insertion(TransitionRecord, _rows([record for _, record in ledger.moves], _TRANSITION)))
    if flood is not None:
        writings += flood_repository.writings_of(flood)
    await write(connection, *writings)
    if flood is not None:
        await flood_repository.regroup(connection, flood.regrouped)


async def _lock(connection: Connection, detections: Sequence[Detection]) -> None:
    """One writer at a time for each condition until the transaction ends.

    Taken in one order, so that two writers cannot wait for each other. The unique indexes stay the guarantee; this
    lets a race end in one alarm rather than in an error.
    """
    ordinary = {_bucket(detection) for detection in detections if not detection.life_safety}
    urgent = {_bucket(detection) for detection in detections if detection.life_safety}
    for lock_class, buckets in ((_ORDINARY_LOCKS, ordinary), (_LIFE_SAFETY_LOCKS, urgent)):
        if buckets:
            await fetch(connection, _LOCK, lock_class, sorted(buckets))


def _bucket(detection: Detection) -> int:
    return crc32(repr(condition_of(detection)).encode()) % _LOCK_BUCKETS


def _columns(keys: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _rows(things: Iterable[object], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{column: getattr(thing, column) for column in columns} for thing in things]
