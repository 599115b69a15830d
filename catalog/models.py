"""Tables of the catalog."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class Site(Base):
    """`revision` grows with every change the reading line must know of. The digests say what was applied last."""

    __tablename__ = "site"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    city: Mapped[str] = mapped_column(server_default="")
    timezone: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(default=1)
    declaration_digest: Mapped[str | None]
    profiles_digest: Mapped[str | None]


class Building(Versioned, Base):
    """`number` is the building's number in its site, assigned once: the partition of what stands in it.

    `latitude` and `longitude` in degrees, where somebody entered them: who is near is asked first.
    """

    __tablename__ = "building"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("site_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    number: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Space(Versioned, Base):
    """A place. `unit_id` is the unit it lies in (a unit: itself), kept so that nobody climbs the tree for it.
    `qr_token` is that of its label, None until one was asked for."""

    __tablename__ = "space"
    __table_args__ = (UniqueConstraint("site_id", "code"), Index(None, "building_id", "kind"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"), index=True)
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"), index=True)
    kind: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    qr_token: Mapped[str | None] = mapped_column(unique=True)


class Equipment(Base):
    """`in_service` False: read, never judged. `retired_at` set: kept for its history, neither read nor judged."""

    __tablename__ = "equipment"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("site_id", "external_id"),
        Index(None, "site_id", "kind"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"), index=True)
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    model: Mapped[str] = mapped_column(server_default="")
    profile_key: Mapped[str | None]
    protocol: Mapped[str | None]
    external_id: Mapped[str]
    address: Mapped[dict[str, Any]] = mapped_column(default=dict)
    partition: Mapped[int]
    rescue_code: Mapped[str | None]
    location: Mapped[str] = mapped_column(server_default="")
    qr_token: Mapped[str] = mapped_column(unique=True)
    in_service: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    retired_at: Mapped[datetime | None]
    link_up: Mapped[bool | None]
    link_changed_at: Mapped[datetime | None]


class Point(Base):
    """A point of an equipment, taken from its profile. `edited` names the fields a person set: a profile keeps off."""

    __tablename__ = "point"
    __table_args__ = (UniqueConstraint("equipment_id", "key"), CheckConstraint("low < high", name="range"))

    point_no: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"))
    key: Mapped[str]
    name: Mapped[dict[str, Any]]
    kind: Mapped[str]
    unit: Mapped[str]
    low: Mapped[float]
    high: Mapped[float]
    reporting_mode: Mapped[str]
    interval_s: Mapped[float]
    decimals: Mapped[int]
    life_safety: Mapped[bool]
    edited: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))


class DiscoveredDevice(Base):
    """A device that speaks and that the catalog does not know. Without a known site code only those who see every
    site see it."""

    __tablename__ = "discovered_device"
    __table_args__ = (UniqueConstraint("protocol", "broker", "site_code", "external_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    site_code: Mapped[str]
    protocol: Mapped[str]
    broker: Mapped[str]
    external_id: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    messages: Mapped[int] = mapped_column(default=0)
    bound_equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id", ondelete="SET NULL"))
    bound_at: Mapped[datetime | None]


class DiscoveredSample(Base):
    __tablename__ = "discovered_sample"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    discovered_id: Mapped[UUID] = mapped_column(ForeignKey("discovered_device.id", ondelete="CASCADE"), index=True)
    topic: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]


class DeadLetter(Base):
    """What could not be used, and why. `size_bytes` is the length before `raw` was cut; `more_alike` how many more of
    the same sender and reason came within its minute and were only counted."""

    __tablename__ = "dead_letter"
    __table_args__ = (Index(None, "reason", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int]
    more_alike: Mapped[int] = mapped_column(BigInteger, server_default="0")
