"""Tables of alarms. What a screen or panel needs of the equipment is snapshotted when an alarm is raised."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class Alarm(Base):
    """One alarm from NORMAL to NORMAL. It may hold several episodes: a condition that came back before anybody
    acknowledged its return is the same alarm, announced again.

    `root_id` is the alarm that explains this one, `group_id` what it was told together with; `flapping_since` is set
    while its condition comes and goes so often that it is told no more. `is_test`: its condition began in a test window
    of its equipment. `attended_at` is when it last asked for somebody's attention or got it, None while nobody was told
    of it; `reminders` counts how often it asked again since.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        # The database's word that one condition on one equipment is one alarm, whoever else may be writing.
        Index(
            "uq_alarm_open",
            "source",
            "source_id",
            "equipment_id",
            unique=True,
            postgresql_where=text("state <> 'NORMAL'"),
        ),
        Index("ix_alarm_open_equipment", "equipment_id", postgresql_where=text("state <> 'NORMAL'")),
        Index("ix_alarm_open_raised", "raised_at", "id", postgresql_where=text("state <> 'NORMAL'")),
        Index(None, "onset_at", "id"),
        Index(None, "raised_at", "id"),
        Index("ix_alarm_site_onset", "site_id", "onset_at"),
        Index("ix_alarm_equipment_onset", "equipment_id", "onset_at"),
        Index("ix_alarm_suppressed", "equipment_id", postgresql_where=text("suppressed_by IS NOT NULL")),
        Index("ix_alarm_open_test", "equipment_id", postgresql_where=text("is_test AND state <> 'NORMAL'")),
        Index("ix_alarm_root", "root_id", postgresql_where=text("root_id IS NOT NULL")),
        Index("ix_alarm_group", "group_id", postgresql_where=text("group_id IS NOT NULL")),
        Index("ix_alarm_flapping", "flapping_since", postgresql_where=text("flapping_since IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    site_code: Mapped[str]
    equipment_code: Mapped[str]
    equipment_name: Mapped[str]
    source: Mapped[str]
    source_id: Mapped[str]
    fault_mode: Mapped[str]
    severity: Mapped[str]
    severity_rank: Mapped[int] = mapped_column(SmallInteger)
    life_safety: Mapped[bool]
    state: Mapped[str]
    is_present: Mapped[bool]
    message: Mapped[dict[str, Any]]
    values: Mapped[dict[str, Any]]
    order_kind: Mapped[str | None]
    order_priority: Mapped[int | None] = mapped_column(SmallInteger)
    onset_at: Mapped[datetime]
    episode_onset_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    returned_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    cleared_at: Mapped[datetime | None]
    episodes: Mapped[int] = mapped_column(default=1)
    suppressed_by: Mapped[str | None]
    shelved_until: Mapped[datetime | None]
    label: Mapped[str | None]
    root_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    group_id: Mapped[UUID | None]
    is_test: Mapped[bool] = mapped_column(default=False, server_default=false())
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    rule_version: Mapped[int | None]
    flapping_since: Mapped[datetime | None]
    order_joins: Mapped[str | None]
    attended_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")


class AlarmEpisode(Base):
    """One stretch of a condition, or of one level of it (`source_id` names the level, `severity` is its own). Its
    identity makes re-delivered and re-judged detections harmless."""

    __tablename__ = "alarm_episode"
    __table_args__ = (
        UniqueConstraint("equipment_id", "source", "source_id", "onset_ms", name="uq_alarm_episode_identity"),
        Index(
            "ix_alarm_episode_lasting", "equipment_id", "source", "source_id", postgresql_where=text("ended_at IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"), index=True)
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    source: Mapped[str]
    source_id: Mapped[str]
    onset_ms: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    severity: Mapped[str] = mapped_column(server_default="warning")


class TransitionRecord(Base):
    """One change of an alarm, with who and why; `via` names the panel at which it was done, where it was one, and
    `severity` is the alarm's after it (None: before that was kept).

    `published_at` is set once panels were told over MQTT.
    """

    __tablename__ = "alarm_transition"
    __table_args__ = (
        Index("ix_alarm_transition_unpublished", "no", postgresql_where=text("published_at IS NULL")),
        Index(
            "ix_alarm_transition_told",
            "site_id",
            "recorded_at",
            postgresql_where=text("kind IN ('raised', 'realarmed')"),
        ),
    )

    no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(default=new_id, unique=True)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"), index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str] = mapped_column(default="")
    via: Mapped[str] = mapped_column(default="", server_default="")
    values: Mapped[dict[str, Any]]
    severity: Mapped[str | None]
    published_at: Mapped[datetime | None]


class InhibitionKind(StrEnum):
    """Why alarms are held back, or (`TESTING`) marked as a test.

    INHIBITED: by design, while there is work on the equipment. MAINTENANCE: by design, in a maintenance window; no row
    says so, the window does. SHELVED: an operator put one condition away for a while. OUT_OF_SERVICE: a manager took
    one condition, or the whole equipment, out until it is put back. LOCKED_OUT: by design, while somebody has locked
    the equipment out to work on it.
    """

    INHIBITED = "inhibited"
    MAINTENANCE = "maintenance"
    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"
    LOCKED_OUT = "locked_out"
    TESTING = "testing"


class Inhibition(Base):
    """Alarms of this equipment are recorded but neither announced nor made into work; one of TESTING only marks them.

    It mutes all its nuisance alarms, those of one fault mode, or one condition (`source`, `source_id`). A shelf holds
    back one condition, always ends by itself at `until`, and is somebody's (`person_id`) decision. A lock (LOCKED_OUT)
    is of the whole equipment and somebody's own: each who works on it has one, and `released_by` is who took it off
    (None: its time was over).
    """

    __tablename__ = "alarm_inhibition"
    __table_args__ = (
        CheckConstraint(
            "kind <> 'shelved' OR (source IS NOT NULL AND source_id IS NOT NULL AND until IS NOT NULL)",
            name="shelf_is_whole",
        ),
        CheckConstraint("(kind = 'testing') = (test_window_id IS NOT NULL)", name="test_has_a_window"),
        CheckConstraint(
            "kind <> 'locked_out' OR (person_id IS NOT NULL AND source IS NULL AND fault_mode IS NULL)",
            name="lock_is_somebodys",
        ),
        Index("ix_alarm_inhibition_standing", "equipment_id", postgresql_where=text("released_at IS NULL")),
        Index("ix_alarm_inhibition_test", "test_window_id", postgresql_where=text("test_window_id IS NOT NULL")),
        Index(
            "uq_alarm_inhibition_lock",
            "equipment_id",
            "person_id",
            unique=True,
            postgresql_where=text("kind = 'locked_out' AND released_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    kind: Mapped[str] = mapped_column(default=InhibitionKind.INHIBITED, server_default="inhibited")
    fault_mode: Mapped[str | None]
    source: Mapped[str | None]
    source_id: Mapped[str | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    test_window_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm_test_window.id"))
    reason: Mapped[str]
    until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class TestWindow(Base):
    """A detector test: what named devices say is marked as a test. Asked for by one person, begun by another.

    `equipment_ids` are the devices, by name and never "all". It runs from `began_at` to `until`, or until somebody
    ended it (`ended_at`); `real_fire_at`: somebody pressed the button, and it was no test any more.

    When it is over somebody signs it off (`signed_by`): `untried` are devices nobody got to, `unheard` those that were
    tried and of which nothing arrived.
    """

    __test__ = False  # pytest would take it for one of its own

    __tablename__ = "alarm_test_window"
    __table_args__ = (
        CheckConstraint("begun_by IS NULL OR begun_by <> asked_by", name="two_persons"),
        CheckConstraint("minutes BETWEEN 1 AND 240", name="four_hours_at_most"),
        CheckConstraint("(began_at IS NULL) = (until IS NULL)", name="begun_has_an_end"),
        CheckConstraint(
            "(signed_at IS NULL) = (signed_by IS NULL) AND (signed_at IS NULL OR ended_at IS NOT NULL)",
            name="signed_when_over",
        ),
        Index("ix_alarm_test_window_site", "site_id", "asked_at"),
        Index("ix_alarm_test_window_open", "until", postgresql_where=text("ended_at IS NULL")),
        Index(
            "ix_alarm_test_window_unsigned",
            "site_id",
            postgresql_where=text("began_at IS NOT NULL AND signed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    equipment_ids: Mapped[list[str]]
    reason: Mapped[str]
    minutes: Mapped[int]
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    begun_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    began_at: Mapped[datetime | None]
    until: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    real_fire_at: Mapped[datetime | None]
    signed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime | None]
    untried: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    unheard: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    sign_off_note: Mapped[str] = mapped_column(default="", server_default="")


class MaintenanceWindow(Base):
    """A time at which nuisance alarms of a whole site, one building, or some equipment are held back by design.

    Once from `starts_at` to `ends_at`; or, with `weekdays` (1 = Monday), on those days from `from_min` (minutes after
    midnight of `timezone`, the site's) for `duration_min`, as long as that lies between the two.
    """

    __tablename__ = "alarm_maintenance_window"
    __table_args__ = (
        CheckConstraint(
            "(weekdays = '[]'::jsonb AND ends_at IS NOT NULL AND from_min IS NULL AND duration_min IS NULL)"
            " OR (weekdays <> '[]'::jsonb AND from_min BETWEEN 0 AND 1439 AND duration_min BETWEEN 1 AND 1440)",
            name="schedule_is_whole",
        ),
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index("ix_alarm_maintenance_window_standing", "site_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    reason: Mapped[str]
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    equipment_ids: Mapped[list[str]]
    timezone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    weekdays: Mapped[list[Any]]
    from_min: Mapped[int | None] = mapped_column(SmallInteger)
    duration_min: Mapped[int | None] = mapped_column(SmallInteger)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
