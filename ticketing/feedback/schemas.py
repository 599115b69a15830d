"""What owners say, on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from catalog.foreign_text import Name
from kit.http import Schema
from ticketing.feedback.models import OrderRating, OwnerVerdict
from ticketing.feedback.service import ReportFeedback
from ticketing.feedback.verdict import Outcome, Stars, Wish
from ticketing.kinds import OwnerState

Mark = Annotated[int, Field(ge=1, le=5)]
Words = Annotated[Name, Field(max_length=500)]


class ConfirmIn(Schema):
    """`satisfaction`: of a complaint, how content the owner is with the answer."""

    satisfaction: Mark | None = None
    words: Words | None = Field(None, examples=["师傅很专业"])


class RejectIn(Schema):
    reason: Words = Field(examples=["还在漏水"])


class RateIn(Schema):
    speed: Mark = Field(examples=[5])
    attitude: Mark = Field(examples=[5])
    quality: Mark = Field(examples=[4])
    words: Words | None = None

    def stars(self) -> Stars:
        return Stars(self.speed, self.attitude, self.quality)


class CancelIn(Schema):
    reason: Words | None = Field(None, examples=["已经自己修好了"])


class StarsOut(Schema):
    speed: int
    attitude: int
    quality: int


class FeedbackOut(Schema):
    """How a report stands between its reporter and us, and what the reporter may do now.

    `reply`: what a complaint, suggestion or inquiry was answered. `next_urge_at`: null while urging is possible.
    """

    report_id: UUID
    number: str = Field(examples=["WO-20261122-0007"])
    state: OwnerState
    reply: str | None
    outcome: Outcome | None
    satisfaction: int | None
    stars: StarsOut | None
    rejections: int
    went_up: bool
    is_called_back: bool
    wishes: list[Wish]
    next_urge_at: datetime | None

    @classmethod
    def of(cls, view: ReportFeedback) -> Self:
        return cls.model_validate(view)


class VerdictOut(Schema):
    report_id: UUID
    attempt: int
    asked_at: datetime
    reminded_at: datetime | None
    outcome: Outcome | None
    satisfaction: int | None
    words: str | None
    answered_at: datetime | None


class RatingOut(StarsOut):
    report_id: UUID
    attempt: int
    words: str | None
    at: datetime
    assignee_id: UUID | None
    return_visit_id: UUID | None


class OrderFeedbackOut(Schema):
    """All that owners said of an order, for the desk."""

    verdicts: list[VerdictOut]
    ratings: list[RatingOut]
    about: list[UUID] = Field(description="whom the complaint is about; managers alone see them")

    @classmethod
    def of_rows(cls, verdicts: list[OwnerVerdict], ratings: list[OrderRating], about: list[UUID]) -> Self:
        return cls(
            verdicts=[VerdictOut.model_validate(row) for row in verdicts],
            ratings=[RatingOut.model_validate(row) for row in ratings],
            about=about,
        )


class SubjectsIn(Schema):
    """Whom a complaint is about."""

    person_ids: list[UUID] = Field(min_length=1, max_length=20, examples=[["0198b5a0-0000-7000-8000-000000000005"]])
