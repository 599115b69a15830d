"""What is read and written of floods beside detections, set by set (`alarms.line_repository`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from alarms.detection import EpisodeKey
from alarms.flood.models import AlarmGroup, AlarmNotice
from alarms.flood.planning import FloodBook, FloodPlan
from alarms.models import Alarm
from building.severity import Severity
from kit.rows import Connection, Cursor, Writing, change, documents, fetch, insertion, things

# One flood of a site is planned at a time. Taken after every other lock, by whoever never waits for a row any more.
FLOOD_LOCKS = 0x5A48_0013

_LOCK = b"SELECT pg_advisory_xact_lock(%s, hashtext(site::text)) FROM unnest(%s::uuid[]) AS site"
_CAUSES = (
    b"SELECT * FROM alarm WHERE equipment_id = ANY(%s) AND state <> 'NORMAL' AND is_present AND NOT life_safety"
    b" AND NOT is_test"
)
_GROUPS = (
    b"SELECT * FROM alarm_group WHERE site_id = ANY(%s) AND last_at >= %s AND root_id IS NULL"
    b" UNION ALL SELECT alarm_group.* FROM alarm_group JOIN alarm ON alarm.id = alarm_group.root_id"
    b" WHERE alarm.equipment_id = ANY(%s) AND alarm.state <> 'NORMAL'"
)
_NOTICES = b"SELECT * FROM alarm_notice WHERE site_id = ANY(%s) AND at >= %s"
# Of an episode: how often its condition, or a level of it, began within the time before it, and how bad it was then at
# worst. One that was withdrawn never was.
_LEVELS = b", ".join(b"asked.source_id || '#%b'" % severity.value.encode() for severity in Severity)
_BY_RANK = b", ".join(b"'%b'" % each.value.encode() for each in sorted(Severity, key=lambda one: one.rank))
_ONSETS = (
    b"SELECT asked.*, count(DISTINCT earlier.onset_ms) AS onsets, min(array_position(ARRAY[" + _BY_RANK + b"],"
    b" earlier.severity)) - 1 AS worst_rank"
    b" FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[])"
    b" AS asked (equipment_id, source, source_id, onset_ms)"
    b" LEFT JOIN alarm_episode AS earlier"
    b" ON earlier.equipment_id = asked.equipment_id AND earlier.source = asked.source"
    b" AND earlier.source_id IN (asked.source_id, " + _LEVELS + b")"
    b" AND earlier.onset_ms >= asked.onset_ms - %s AND earlier.onset_ms < asked.onset_ms"
    b" AND (earlier.ended_at IS NULL OR earlier.ended_at > to_timestamp(earlier.onset_ms / 1000.0)) GROUP BY 1, 2, 3, 4"
)
_FLOOD = documents(causes=_CAUSES, groups=_GROUPS, notices=_NOTICES, onsets=_ONSETS)
# Rows that somebody holds are left alone: whoever has them may be waiting for us.
_REGROUP = (
    b"UPDATE alarm SET group_id = given.group_id FROM unnest(%s::uuid[], %s::uuid[]) AS given (id, group_id)"
    b" WHERE alarm.id = given.id AND alarm.id IN (SELECT id FROM alarm WHERE id = ANY(%s) AND state <> 'NORMAL'"
    b" AND root_id IS NULL AND NOT life_safety FOR NO KEY UPDATE SKIP LOCKED)"
)

_GROUP_CHANGES = (
    "id", "severity", "severity_rank", "alarms", "told_alarms", "told_rank", "tellings", "last_at", "told_at",
)  # fmt: skip
_GROUP = (*_GROUP_CHANGES, "site_id", "kind", "root_id", "building_id", "equipment_kind", "opened_at")
_NOTICE = ("id", "site_id", "at", "alarm_id", "group_id", "building_id", "equipment_kind")


@dataclass(frozen=True)
class FloodInquiry:
    """What a batch wants to know of floods: its sites, what its equipment hangs on, the episodes that begin.

    `since` is the beginning of what counts as "at once", `window_ms` its length.
    """

    site_ids: Collection[UUID]
    above: Collection[UUID]
    episodes: Collection[EpisodeKey]
    since: datetime
    window_ms: int


@dataclass(frozen=True)
class Before:
    """How often a condition began within the time before an episode; `worst_rank` is how bad it was then at worst."""

    onsets: int = 0
    worst_rank: int | None = None


@dataclass
class FloodFound:
    """`causes`: alarms that last on what is above. `before`: of every episode that was asked about."""

    book: FloodBook = field(default_factory=FloodBook)
    causes: list[Alarm] = field(default_factory=list)
    before: Mapping[EpisodeKey, Before] = field(default_factory=dict)


async def ask(connection: Connection, inquiry: FloodInquiry) -> Cursor:
    """Locks the sites until the transaction ends and asks; in a pipeline nothing has come yet when this returns."""
    sites = sorted(inquiry.site_ids)
    await fetch(connection, _LOCK, FLOOD_LOCKS, sites)
    above = list(inquiry.above)
    episodes: list[list[Any]] = [list(column) for column in zip(*inquiry.episodes, strict=True)] or [[], [], [], []]
    return await fetch(
        connection, _FLOOD, above, sites, inquiry.since, above, sites, inquiry.since, *episodes, inquiry.window_ms
    )


async def found_of(asked: Cursor) -> FloodFound:
    row = await asked.fetchone()
    assert row is not None
    groups = {group.id: group for group in things(AlarmGroup, row["groups"])}
    onsets = msgspec.json.decode(row["onsets"]) if row["onsets"] is not None else []
    return FloodFound(
        FloodBook(list(groups.values()), things(AlarmNotice, row["notices"])),
        things(Alarm, row["causes"]),
        {
            (UUID(each["equipment_id"]), each["source"], each["source_id"], each["onset_ms"]): Before(
                each["onsets"], each["worst_rank"]
            )
            for each in onsets
        },
    )


def writings_of(plan: FloodPlan) -> list[Writing]:
    """What a plan has to be written down, besides what it says of alarms."""
    writings: list[Writing] = []
    if plan.changed_groups:
        writings.append(change(AlarmGroup, _rows(list(plan.changed_groups.values()), _GROUP_CHANGES)))
    if plan.new_groups:
        writings.append(insertion(AlarmGroup, _rows(plan.new_groups, _GROUP)))
    if plan.changed_notices:
        writings.append(change(AlarmNotice, _rows(list(plan.changed_notices.values()), ("id", "group_id"))))
    if plan.new_notices:
        writings.append(insertion(AlarmNotice, _rows(plan.new_notices, _NOTICE)))
    return writings


async def regroup(connection: Connection, alarms: Mapping[UUID, UUID]) -> None:
    """Puts alarms that were told by themselves (id → group) where they belong, as it turned out."""
    if alarms:
        await fetch(connection, _REGROUP, list(alarms), list(alarms.values()), list(alarms))


def _rows(things: Sequence[object], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{column: getattr(thing, column) for column in columns} for thing in things]
