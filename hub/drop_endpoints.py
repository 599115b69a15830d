"""What the hub refused, dropped, put off or failed at, over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, JsonValue

from hub.drop_tally import DropReport, DropTallies
from hub.drops import DropKind
from kit.access import Role
from kit.http import Schema, Session, allow, service
from kit.i18n import Language, Texts

router = APIRouter(prefix="/api/v1/system", tags=["system"])

# Counts of the whole installation name no site, person or value.
WATCHING = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)
PLACES_SHOWN = 20

EXAMPLE: dict[str, JsonValue] = {
    "counter": "hub_intake_refused",
    "kind": "refused",
    "title": {"zh-CN": "设备报文无法使用", "en": "Messages that cannot be used"},
    "meaning": {"zh-CN": "报文格式有误", "en": "The message is malformed"},
    "action": {"zh-CN": "查看死信", "en": "Look at the dead letters"},
    "last_24h": 12,
    "last_7d": 40,
    "last_at": "2026-11-22T02:40:00Z",
    "places": [
        {"labels": {"reason": "bad_json"}, "process": "hub-1 adapters", "last_24h": 12, "last_7d": 40,
         "last_at": "2026-11-22T02:40:00Z"}
    ],
}  # fmt: skip


class DropPlaceOut(Schema):
    """Where: the counter's labels and the process that counted."""

    labels: dict[str, str]
    process: str
    last_24h: int
    last_7d: int
    last_at: datetime


class DropOut(Schema):
    """One kind of loss, refusal, delay or failure. Texts are in both languages; `counter` is its name in /metrics."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    counter: str
    kind: DropKind
    title: dict[str, str]
    meaning: dict[str, str]
    action: dict[str, str]
    last_24h: int
    last_7d: int
    last_at: datetime | None
    places: list[DropPlaceOut]

    @classmethod
    def of(cls, report: DropReport, texts: Texts) -> "DropOut":
        counter, places = report.drop.counter, report.places

        def words(what: str) -> dict[str, str]:
            return {language.value: texts.text(f"hub.drops.{counter}.{what}", language) for language in Language}

        return cls(
            counter=f"{counter}_total", kind=report.drop.kind, title=words("title"), meaning=words("meaning"),
            action=words("action"), last_24h=sum(place.day for place in places),
            last_7d=sum(place.week for place in places),
            last_at=max((place.last_at for place in places), default=None),
            places=[
                DropPlaceOut(
                    labels=dict(place.labels), process=place.process, last_24h=place.day, last_7d=place.week,
                    last_at=place.last_at,
                )
                for place in places[:PLACES_SHOWN]
            ],
        )  # fmt: skip


@router.get("/drops", response_model=list[DropOut], dependencies=[Depends(allow(*WATCHING))])
async def list_drops(
    session: Session,
    tallies: Annotated[DropTallies, Depends(service(DropTallies))],
    texts: Annotated[Texts, Depends(service(Texts))],
) -> list[DropOut]:
    """Everything the hub counts as lost, refused, late or failed, in all its processes; what never happened too."""
    return [DropOut.of(report, texts) for report in await tallies.report(session)]
