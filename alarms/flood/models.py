"""Tables of floods. Which alarms belong to a group is said by the alarms (`alarm.group_id`, `alarm.root_id`)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class AlarmGroup(Base):
    """Alarms that are told together. `kind` is a GroupKind; `building_id` and `equipment_kind` as far as it is narrower
    than the site; `root_id` is the alarm that explains the rest of a family.

    `alarms` counts those that ever belonged to it, the root itself not among them; `told_alarms` is what the count was
    when it was last told, `tellings` how often that was. `last_at` is when the newest joined, or, of a family, when one
    became worse.
    """

    __tablename__ = "alarm_group"
    __table_args__ = (Index("ix_alarm_group_last", "site_id", "last_at"), Index(None, "root_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    root_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    equipment_kind: Mapped[str | None]
    severity: Mapped[str]
    severity_rank: Mapped[int] = mapped_column(SmallInteger)
    alarms: Mapped[int]
    told_alarms: Mapped[int]
    told_rank: Mapped[int] = mapped_column(SmallInteger)
    tellings: Mapped[int]
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class AlarmNotice(Base):
    """One thing that a site was to be told of: an alarm by itself, or a group. Life safety is not counted here.

    One with both is of an alarm that was told by itself before it was seen to belong to the group.
    """

    __tablename__ = "alarm_notice"
    __table_args__ = (Index("ix_alarm_notice_site", "site_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    at: Mapped[datetime]
    alarm_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm_group.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    equipment_kind: Mapped[str]
