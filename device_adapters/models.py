"""Tables of the device adapters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class MqttCredential(Base):
    """Who may come in to the embedded broker. What they may publish follows from the equipment or the profile.

    Of the password only a hash is kept, as the broker reads it.
    """

    __tablename__ = "mqtt_credential"
    __table_args__ = (CheckConstraint("(kind = 'device') = (equipment_id IS NOT NULL)", name="device_has_equipment"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(server_default="")
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"), unique=True)
    profile_key: Mapped[str | None]
    password_hash: Mapped[str]
    issued_at: Mapped[datetime]
