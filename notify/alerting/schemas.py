"""Policies, destinations and the record of telling on the wire."""

from datetime import datetime, time
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from building.severity import Severity
from catalog.foreign_text import Line, Name
from catalog.schemas import VersionedChanges
from kit.access import Role
from kit.http import Schema
from kit.i18n import Language
from notify.alerting.destination import DestinationKind
from notify.alerting.destinations import NewDestination
from notify.alerting.documents import document_of, policy_of
from notify.alerting.explaining import Explained
from notify.alerting.models import AlertCase, AlertDelivery, AlertDestination
from notify.alerting.policy import (
    LONGEST_AFTER_MIN,
    LONGEST_SETTLE_S,
    MOST_OF_A_KIND,
    MOST_ROUTES,
    MOST_STEPS,
    Policy,
    RouteMode,
)
from notify.alerting.policy_book import InForce
from notify.alerting.reason import Reason
from notify.policy import NotifyChannel, State, Urgency
from people.kinds import Duty

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_ID = "01934d5e-0000-7000-8000-000000000000"
_ROUTE: dict[str, Any] = {
    "code": "life_safety", "names": {"zh-CN": "生命安全", "en": "Life safety"}, "mode": "tell", "life_safety": True,
    "steps": [{"after_min": 0, "duties": ["control_room", "guard"]}, {"after_min": 3, "roles": ["manager"]}],
    "repeat_min": 5, "repeats": 0,
}  # fmt: skip
_DOCUMENT: dict[str, Any] = {
    "quiet": {"begins": "22:00:00", "ends": "07:30:00"}, "digest_at": ["08:30:00"], "settle_s": 20,
    "routes": [_ROUTE],
}  # fmt: skip


class AlertStepBody(Schema):
    """People are whoever is on shift for a duty then, holds a role at the site, or is named."""

    after_min: int = Field(0, ge=0, le=LONGEST_AFTER_MIN, description="minutes after the first telling")
    duties: list[Duty] = Field(default_factory=list, max_length=MOST_OF_A_KIND)
    roles: list[Role] = Field(default_factory=list, max_length=MOST_OF_A_KIND)
    person_ids: list[UUID] = Field(default_factory=list, max_length=MOST_OF_A_KIND)
    destination_ids: list[UUID] = Field(default_factory=list, max_length=MOST_OF_A_KIND)
    channel: NotifyChannel | None = Field(None, description="the one wished for, where it reaches them")


class AlertHoursBody(Schema):
    """Local time of the site; the same time twice is the whole day. 1 is Monday."""

    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(min_length=1, max_length=7, examples=[[1, 2, 3, 4, 5]])
    begins: time
    ends: time


class AlertNames(Schema):
    zh: Word = Field(alias="zh-CN", examples=["紧急报警"])
    en: Word = Field(examples=["Critical alarms"])


class AlertRouteBody(Schema):
    """Empty lists: any. The first route of a policy that fits an alarm is taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROUTE]})

    code: Code
    names: AlertNames
    mode: RouteMode
    severities: list[Severity] = Field(default_factory=list, max_length=len(Severity))
    fault_modes: list[Word] = Field(default_factory=list, max_length=50)
    hours: AlertHoursBody | None = None
    life_safety: bool = Field(False, description="for life safety, which no other route takes")
    heeds_quiet: bool = Field(False, description="waits for the end of the quiet hours")
    steps: list[AlertStepBody] = Field(default_factory=list, max_length=MOST_STEPS)
    repeat_min: int | None = Field(None, ge=1, le=LONGEST_AFTER_MIN, description="minutes until the last step again")
    repeats: int = Field(0, ge=0, le=1_000, description="how often; 0: until somebody acknowledges")


class AlertQuietBody(Schema):
    """Local time of the site; the same time twice: none."""

    begins: time
    ends: time


class AlertPolicyDocument(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    quiet: AlertQuietBody
    digest_at: list[time] = Field(max_length=6, description="local times of the digests")
    settle_s: int = Field(ge=0, le=LONGEST_SETTLE_S, description="seconds an ordinary alarm waits for what explains it")
    routes: list[AlertRouteBody] = Field(min_length=1, max_length=MOST_ROUTES)

    @property
    def meant(self) -> Policy:
        return policy_of(self.model_dump(mode="json", by_alias=True))


class AlertPolicyIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"document": _DOCUMENT, "reason": "夜班增加一人", "version": 0}]}
    )

    document: AlertPolicyDocument
    reason: Name = Field(description="why it changes", examples=["夜班增加一人"])
    version: int = Field(ge=0, description="the version last seen; 0 is what the hub came with")


class AlertPolicyRestoreIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to_version": 0, "reason": "恢复出厂策略", "version": 1}]}
    )

    to_version: int = Field(ge=0, description="the version to go back to; 0 is what the hub came with")
    reason: Name
    version: int = Field(ge=0, description="the version last seen")


class AlertPolicyOut(Schema):
    """`version` 0 is what the hub came with: nobody wrote it."""

    site_id: UUID
    version: int
    document: AlertPolicyDocument
    author_id: UUID | None
    reason: str
    restores: int | None
    created_at: datetime | None

    @classmethod
    def of(cls, site_id: UUID, found: InForce) -> Self:
        saved = found.saved
        document: dict[str, Any] = document_of(found.policy)
        return cls(
            site_id=site_id, version=found.version, document=AlertPolicyDocument.model_validate(document),
            author_id=saved.author_id if saved else None, reason=saved.reason if saved else "",
            restores=saved.restores if saved else None, created_at=saved.created_at if saved else None,
        )  # fmt: skip


class AlertDestinationIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"site_id": _ID, "name": "值班邮箱", "kind": "email", "address": "duty@example.com"}]
        }
    )

    site_id: UUID
    name: Word
    kind: DestinationKind
    address: Line = Field(
        description="dingtalk, wecom_robot: the robot's name in the settings; email: an address; webhook: a URL; "
        "mqtt: the last level of the topic site/{site code}/alerts/…"
    )
    language: Language = Language.ZH

    @property
    def meant(self) -> NewDestination:
        return NewDestination(
            site_id=self.site_id, name=self.name, kind=self.kind, address=self.address, language=self.language
        )


class AlertDestinationPatch(VersionedChanges):
    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": False, "version": 1}]})

    name: Word | None = None
    address: Line | None = None
    language: Language | None = None
    is_enabled: bool | None = None


class AlertDestinationOut(Schema):
    id: UUID
    site_id: UUID
    name: str
    kind: DestinationKind
    address: str
    language: Language
    is_enabled: bool
    version: int
    created_at: datetime

    @classmethod
    def of(cls, row: AlertDestination) -> Self:
        return cls.model_validate(row, from_attributes=True)


class AlertSecretOut(Schema):
    secret: str = Field(description="signs the webhook's messages (Standard Webhooks)", examples=["whsec_…"])


class AlertTestOut(Schema):
    delivery_id: UUID


class AlertDeliveryOut(Schema):
    id: UUID
    key: str
    title: str
    urgency: Urgency
    state: State
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    error_code: str
    error_detail: str

    @classmethod
    def of(cls, row: AlertDelivery) -> Self:
        return cls(
            id=row.id, key=row.key, title=str(row.message["title"]), urgency=Urgency(row.urgency),
            state=State(row.state), attempts=row.attempts, created_at=row.created_at, finished_at=row.finished_at,
            error_code=row.error_code, error_detail=row.error_detail,
        )  # fmt: skip


class AlertCaseOut(Schema):
    """The telling of one alarm, or of one growth of a group. `end_reason` empty: it goes on at `next_at`."""

    id: UUID
    site_id: UUID
    alarm_id: UUID | None
    group_id: UUID | None
    severity: Severity
    life_safety: bool
    policy_version: int
    route: str | None = Field(description="code of the route it follows")
    told: int = Field(description="tellings made")
    begun_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    end_reason: Reason | None

    @classmethod
    def of(cls, row: AlertCase) -> Self:
        return cls(
            id=row.id, site_id=row.site_id, alarm_id=row.alarm_id, group_id=row.group_id,
            severity=Severity(row.severity), life_safety=row.life_safety, policy_version=row.policy_version,
            route=row.route["code"] if row.route else None, told=row.told, begun_at=row.begun_at,
            next_at=row.next_at, ended_at=row.ended_at, end_reason=Reason(row.end_reason) if row.end_reason else None,
        )  # fmt: skip


class AlertDecisionOut(Schema):
    """One decision and its sentence, in the language of `Accept-Language`. `key`: of the message it led to."""

    at: datetime
    reason: Reason
    text: str = Field(
        examples=["张工当时在工程岗位值班，3号水泵 紧急报警（轴承过热）按“紧急报警”第 1 次通知，因此通知了他。"]
    )
    person_id: UUID | None
    person_name: str
    destination_id: UUID | None
    key: str

    @classmethod
    def of(cls, found: Explained) -> Self:
        one = found.decision
        return cls(
            at=one.at, reason=Reason(one.reason), text=found.text, person_id=one.person_id,
            person_name=found.person_name, destination_id=one.destination_id, key=one.key,
        )  # fmt: skip


class AlertExplanationOut(Schema):
    case: AlertCaseOut
    decisions: list[AlertDecisionOut]


class WhyToldOut(Schema):
    """Why the caller was told: the decision and the case it belongs to."""

    decision: AlertDecisionOut
    case: AlertCaseOut
