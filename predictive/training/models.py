"""Tables of stored models and of trainings."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class TrainedModel(Base):
    """The index of models: everything but their content. See `predictive.training.card`."""

    __tablename__ = "trained_model"
    __table_args__ = (
        UniqueConstraint("site_id", "family", "subject", "version"),
        Index(
            "uq_trained_model_champion", "site_id", "family", "subject", unique=True,
            postgresql_where=text("state = 'champion'"),
        ),
        Index(
            "uq_trained_model_shadow", "site_id", "family", "subject", unique=True,
            postgresql_where=text("state = 'shadow'"),
        ),
        CheckConstraint("data_from <= data_until", name="window"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    family: Mapped[str]
    subject: Mapped[str]
    version: Mapped[int]
    state: Mapped[str]
    format: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    signature: Mapped[str]
    equipment_ids: Mapped[list[str]]
    points: Mapped[list[str]]
    step_s: Mapped[float | None] = mapped_column(Double)
    data_from: Mapped[datetime]
    data_until: Mapped[datetime]
    code_version: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    metrics: Mapped[dict[str, Any]]
    run_id: Mapped[UUID | None]
    made_at: Mapped[datetime]
    state_at: Mapped[datetime]
    state_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class TrainedModelPart(Base):
    """The content of a model, in pieces read one by one: every process reaches them, the backup has them."""

    __tablename__ = "trained_model_part"

    model_id: Mapped[UUID] = mapped_column(ForeignKey("trained_model.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class TrainingState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


IS_UNDER_WAY = "state IN ('waiting', 'running')"


class TrainingRun(Base):
    """One training of one site, asked for by a person or, where that is None, by the hub at night.

    `until` is where its history ends, `days` how long it is. `is_complete`: all equipment is learnt anew; otherwise
    what has no model. `progress` goes from 0 to 1, `learnt` of `equipment` are done;
    `attempts` counts the processes that took it up. `failure` is the code of what went wrong, `report` what came of it.
    """

    __tablename__ = "training_run"
    __table_args__ = (
        Index("uq_training_run_under_way", "site_id", unique=True, postgresql_where=text(IS_UNDER_WAY)),
        Index(None, "site_id", "asked_at"),
        CheckConstraint("days > 0", name="days"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str | None]
    days: Mapped[int]
    until: Mapped[datetime]
    is_complete: Mapped[bool]
    state: Mapped[str]
    progress: Mapped[float] = mapped_column(Double)
    learnt: Mapped[int]
    equipment: Mapped[int]
    attempts: Mapped[int]
    cancelling: Mapped[bool]
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]


class TrainingPiece(Base):
    """What a training has learnt so far of some equipment: another process goes on from it after a kill."""

    __tablename__ = "training_piece"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("training_run.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    facts: Mapped[dict[str, Any]]
    signature: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class FreshStart(Base):
    """From when on an equipment's readings are normal again: it was repaired, replaced or set otherwise."""

    __tablename__ = "fresh_start"

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    since: Mapped[datetime]
    reason: Mapped[str]
