"""Tables of predictions."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned

STILL_OPEN = "ended_at IS NULL"
MONEY = Numeric(12, 2)


class Prediction(Base):
    """That an equipment will fail in one mode unless somebody looks, from the first finding to its end.

    `method` and `model_id` are of the voice that leads, the figures are as of `found_at`. `points` and `reason` are
    what it leads with. `held_back` (a HeldBack): why it raises nothing. `alarm_onset_at` is the episode's; `visit_at`
    the planned visit that it was folded into. `of_going`, `of_waiting`: the costs that decided. `label` is what it
    turned out to be (a PredictionLabel), `label_why` how that is known; `order_id` the order that said so (no key: this
    room knows no orders).
    """

    __tablename__ = "prediction"
    __table_args__ = (
        # The database's word that one thing is predicted once, whichever processes find it.
        Index(
            "uq_prediction_open", "equipment_id", "mode", unique=True,
            postgresql_where=text("ended_at IS NULL AND NOT is_shadow"),
        ),
        Index(
            "uq_prediction_open_shadow", "equipment_id", "mode", "method", unique=True,
            postgresql_where=text("ended_at IS NULL AND is_shadow"),
        ),
        Index("ix_prediction_expiring", "expires_at", postgresql_where=text(STILL_OPEN)),
        Index(None, "site_id", "opened_at", "id"),
        Index(None, "equipment_id", "opened_at"),
        Index("ix_prediction_alarm", "alarm_id", postgresql_where=text("alarm_id IS NOT NULL")),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    equipment_code: Mapped[str]
    equipment_kind: Mapped[str]
    mode: Mapped[str]
    is_shadow: Mapped[bool]
    held_back: Mapped[str | None]
    state: Mapped[str]
    method: Mapped[str]
    model_id: Mapped[UUID | None]
    confidence: Mapped[float]
    score: Mapped[float]
    since_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    found_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    raised_at: Mapped[datetime | None]
    ordered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    days_low: Mapped[float | None]
    days_median: Mapped[float | None]
    days_high: Mapped[float | None]
    points: Mapped[list[Any]]
    reason: Mapped[dict[str, Any]]
    of_going: Mapped[Decimal] = mapped_column(MONEY)
    of_waiting: Mapped[Decimal] = mapped_column(MONEY)
    fails_in_time: Mapped[float]
    visit_at: Mapped[datetime | None]
    alarm_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    alarm_onset_at: Mapped[datetime | None]
    label: Mapped[str | None]
    label_why: Mapped[str | None]
    labelled_at: Mapped[datetime | None]
    labelled_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    order_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(server_default="")


class PredictionVoice(Base):
    """What one method last said of a prediction. Several may speak for one: the surest that still does leads."""

    __tablename__ = "prediction_voice"
    __table_args__ = (Index(None, "site_id", "method", "at"),)

    prediction_id: Mapped[UUID] = mapped_column(ForeignKey("prediction.id", ondelete="CASCADE"), primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    model_id: Mapped[UUID | None]
    is_present: Mapped[bool]
    at: Mapped[datetime]
    since_at: Mapped[datetime]
    confidence: Mapped[float]
    score: Mapped[float]
    days_low: Mapped[float | None]
    days_median: Mapped[float | None]
    days_high: Mapped[float | None]
    waste_a_day: Mapped[float | None]
    points: Mapped[list[Any]]


class PredictionMuting(Base):
    """A method makes no alarms and no orders for a kind of equipment of a site. `facts`: the figures that muted it;
    `muted_by` None: it was below its bar. It stays so until a person lifts it."""

    __tablename__ = "prediction_muting"
    __table_args__ = (
        Index(
            "uq_prediction_muting_standing", "site_id", "method", "equipment_kind", unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    method: Mapped[str]
    equipment_kind: Mapped[str]
    muted_at: Mapped[datetime]
    muted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str]
    facts: Mapped[dict[str, Any]]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    lifted_note: Mapped[str] = mapped_column(server_default="")


class PredictionCost(Versioned, Base):
    """What a visit to a kind of equipment and its failure cost at a site, where a manager has set it."""

    __tablename__ = "prediction_cost"
    __table_args__ = (
        UniqueConstraint("site_id", "equipment_kind"),
        CheckConstraint("visit > 0 AND failure >= 0", name="positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    equipment_kind: Mapped[str]
    visit: Mapped[Decimal] = mapped_column(MONEY)
    failure: Mapped[Decimal] = mapped_column(MONEY)
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
