"""The privacy room on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from kit.http import Schema
from privacy.purposes import Basis

PurposeCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ConsentChannel = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
Texts = Annotated[dict[str, str], Field(description="by language")]


class PurposeOut(Schema):
    """`version` and `texts` only where it rests on consent."""

    code: str
    basis: Basis
    names: Texts
    data: list[str]
    version: int | None
    texts: Texts | None


class RetentionOut(Schema):
    kind: str
    days: int


class ConsentIn(Schema):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"purpose": "community_news", "version": 1, "channel": "app"}]}
    )

    purpose: PurposeCode
    version: Annotated[int, Field(ge=1, le=1_000_000, description="of the text that was shown")]
    channel: ConsentChannel = "app"


class ConsentOut(Schema):
    purpose: str
    version: int
    given_at: datetime
    channel: str
    withdrawn_at: datetime | None
    withdrawn_channel: str | None


class ErasedOut(Schema):
    rows: Annotated[dict[str, int], Field(description="that lost something, by table")]


class PersonalDataRequestOut(Schema):
    id: UUID
    person_id: UUID
    asked_by: UUID
    kind: str
    at: datetime
    rows: dict[str, Any]
