"""Shapes of floods on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict

from alarms.flood.figures import Load, Proposal
from alarms.flood.group import GroupKind
from alarms.flood.models import AlarmGroup
from alarms.flood.repository import OpenCount
from alarms.flood.service import AlarmLoad, WorstRule
from building.equipment import EquipmentKind
from building.severity import Severity
from kit.http import Schema


class AlarmGroupOut(Schema):
    """Alarms told together; list them with `GET /alarms?group=…`.

    `kind`: root (what one alarm, `root_id`, explains), area (a kind of equipment in a building), kind (at the whole
    site), site (more at once than can be told one by one). `alarms` ever belonged to it, `told_alarms` of them were
    told of by now, in so many `tellings`. `open_alarms` of them are not NORMAL, and nobody has acknowledged
    `unacknowledged` of those.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000e1",
                    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
                    "kind": "root",
                    "root_id": "0197a1d2-6c00-7000-8000-000000000001",
                    "building_id": None,
                    "equipment_kind": None,
                    "severity": "minor",
                    "alarms": 250,
                    "told_alarms": 250,
                    "open_alarms": 240,
                    "unacknowledged": 12,
                    "tellings": 1,
                    "opened_at": "2026-11-22T02:42:00Z",
                    "last_at": "2026-11-22T02:43:10Z",
                    "told_at": "2026-11-22T02:42:30Z",
                }
            ]
        },
    )

    id: UUID
    site_id: UUID
    kind: GroupKind
    root_id: UUID | None
    building_id: UUID | None
    equipment_kind: EquipmentKind | None
    severity: Severity
    alarms: int
    told_alarms: int
    open_alarms: int = 0
    unacknowledged: int = 0
    tellings: int
    opened_at: datetime
    last_at: datetime
    told_at: datetime | None

    @classmethod
    def of(cls, group: AlarmGroup, counts: Mapping[UUID, OpenCount]) -> Self:
        """`counts` by group; one that is not among them has no alarm that is open."""
        count = counts.get(group.id, OpenCount())
        return cls.model_validate(group).model_copy(
            update={"open_alarms": count.open, "unacknowledged": count.unacknowledged}
        )


class ChattererOut(Schema):
    """A condition that began `most` times within a minute; `episodes` is how often it began in the time asked for."""

    model_config = ConfigDict(from_attributes=True)

    source: str
    source_id: str
    site_id: UUID
    equipment_id: UUID
    equipment_code: str
    equipment_name: str
    episodes: int
    most: int
    last_at: datetime


class WorstRuleOut(Schema):
    """A rule and what it asked of people. `share` and `proposal_share` 0…1; times in seconds.

    `explained`: alarms under a root; `answered`: acknowledged or labelled; `stale`: lasted over a day; `fleeting`: over
    within a minute; `returns`: came again within ten. `proposal_seconds` is what to set `for` or `clear_for` to.
    """

    source: str
    source_id: str
    announcements: int
    share: float
    alarms: int
    equipment: int
    top_equipment: str | None
    top_announcements: int
    explained: int
    answered: int
    stale: int
    episodes: int
    fleeting: int
    returns: int
    median_s: float | None
    labelled: int
    false_labels: int
    proposal: Proposal
    proposal_share: float
    proposal_seconds: int | None
    proposal_text: dict[str, str]

    @classmethod
    def of(cls, worst: WorstRule) -> Self:
        rule = worst.figures
        return cls(
            source=rule.source,
            source_id=rule.source_id,
            announcements=rule.announcements,
            share=worst.share,
            alarms=rule.alarms,
            equipment=rule.equipment,
            top_equipment=rule.top_equipment,
            top_announcements=rule.top_announcements,
            explained=rule.explained,
            answered=rule.answered,
            stale=rule.stale,
            episodes=rule.episodes,
            fleeting=rule.fleeting,
            returns=rule.returns,
            median_s=rule.median_s,
            labelled=rule.labelled,
            false_labels=rule.false_labels,
            proposal=worst.advice.proposal,
            proposal_share=worst.advice.share,
            proposal_seconds=worst.advice.seconds,
            proposal_text=dict(worst.words),
        )


class AlarmStandingOut(Schema):
    """Alarms that are open now, life safety and tests aside; `stale` ones have lasted over a day."""

    open: int
    stale: int
    flapping: int
    held_back: int


class AlarmLoadOut(Schema):
    """Alarm load after EEMUA 191. All rates are for one of `operators`; `flood_share` is the share of time in floods.

    `announcements`: alarms raised, again and again; `told`: what people were told of them, groups once a telling.
    Neither counts life safety or tests. `load`: at most 1 in ten minutes is acceptable, 2 manageable, 5 over-demanding.
    """

    since: datetime
    until: datetime
    operators: int
    announcements: int
    told: int
    per_10_min: float
    per_day: float
    peak_10_min: float
    peak_at: datetime | None
    flood_share: float
    floods: int
    load: Load
    severities: dict[Severity, float]
    standing: AlarmStandingOut
    worst_rules: list[WorstRuleOut]

    @classmethod
    def of(cls, found: AlarmLoad) -> Self:
        load = found.load
        return cls(
            since=found.since,
            until=found.until,
            operators=found.operators,
            announcements=load.announcements,
            told=found.told,
            per_10_min=load.per_10_min,
            per_day=load.per_day,
            peak_10_min=load.peak,
            peak_at=load.peak_at,
            flood_share=load.flood_share,
            floods=load.floods,
            load=load.load,
            severities={Severity(severity): share for severity, share in found.severities.items()},
            standing=AlarmStandingOut(**found.standing),
            worst_rules=[WorstRuleOut.of(worst) for worst in found.worst],
        )
