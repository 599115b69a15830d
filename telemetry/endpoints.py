"""Readings over HTTP: latest values, a series for a chart, a series as CSV."""

import re
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from catalog.errors import BadTimezone
from kit.access import STAFF, Principal, Role, Scope
from kit.errors import DomainError
from kit.http import Caller, RequestLanguage, allow, service, tell_the_audit
from kit.i18n import Texts
from telemetry import csv_export
from telemetry.errors import (
    BadPeriod,
    NothingAsked,
    QueryTooSlow,
    StoreUnavailable,
    TooManyBuckets,
    TooManyReadings,
)
from telemetry.schemas import LatestValueOut, SeriesOut
from telemetry.service import TelemetryService

READERS: Sequence[Role] = sorted(STAFF)

router = APIRouter(prefix="/api/v1", tags=["telemetry"], dependencies=[Depends(allow(*READERS))])

STATUS: dict[type[DomainError], int] = {
    NothingAsked: 422,
    BadPeriod: 422,
    TooManyBuckets: 422,
    TooManyReadings: 422,
    QueryTooSlow: 503,
    StoreUnavailable: 503,
}

Telemetry = Annotated[TelemetryService, Depends(service(TelemetryService))]
PointNo = Annotated[int, Path(ge=1, le=2**31 - 1, description="the point's number", examples=[17])]
Start = Annotated[AwareDatetime, Query(description="from this instant on", examples=["2026-11-22T00:00:00+08:00"])]
End = Annotated[AwareDatetime, Query(description="up to, not including", examples=["2026-11-23T00:00:00+08:00"])]
Bucket = Annotated[
    str | None,
    Query(
        pattern=r"^[1-9]\d{0,6}[smhd]$",
        description="width such as 30s, 5m, 1h or 1d, counted from the epoch; omitted: the hub chooses a round one",
        examples=["5m"],
    ),
]
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@router.get("/points/latest", name="latest_values", response_model=list[LatestValueOut])
async def latest_values(
    telemetry: Telemetry,
    caller: Caller,
    language: RequestLanguage,
    equipment: Annotated[UUID | None, Query(description="all points of this equipment")] = None,
    point: Annotated[
        list[Annotated[int, Query(ge=1, le=2**31 - 1)]] | None, Query(max_length=500, description="points by number")
    ] = None,
) -> list[LatestValueOut]:
    """The newest value of each point, with its quality and age; points that never spoke are listed too."""
    found = await telemetry.latest(_scope(caller), equipment_id=equipment, point_nos=point or ())
    return [LatestValueOut.of(value, language) for value in found]


@router.get("/points/{point_no}/series", name="point_series", response_model=SeriesOut)
async def point_series(
    point_no: PointNo,
    telemetry: Telemetry,
    caller: Caller,
    language: RequestLanguage,
    start: Start,
    end: End,
    bucket: Bucket = None,
) -> SeriesOut:
    """Average, lowest, highest and number of readings in each bucket; at most 5,000 buckets."""
    found = await telemetry.series(_scope(caller), point_no, start=start, end=end, bucket_s=_seconds(bucket))
    return SeriesOut.of(found, language)


@router.get(
    "/points/{point_no}/series.csv",
    name="point_series_csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "UTF-8 with byte order mark, as Excel likes it"}},
    dependencies=[Depends(tell_the_audit)],
)
async def point_series_csv(
    point_no: PointNo,
    telemetry: Telemetry,
    caller: Caller,
    language: RequestLanguage,
    texts: Annotated[Texts, Depends(service(Texts))],
    start: Start,
    end: End,
    bucket: Bucket = None,
    tz: Annotated[str, Query(max_length=64, description="IANA time zone of the times")] = "Asia/Shanghai",
) -> StreamingResponse:
    """With a bucket one line a bucket; without one every reading, at most 500,000."""
    zone, scope = _zone(tz), _scope(caller)
    if bucket is None:
        found = await telemetry.readings(scope, point_no, start=start, end=end)
        code, key, unit = found.equipment.code, found.point.key, found.point.unit
        lines = csv_export.readings_csv(found.readings, zone=zone, unit=unit, texts=texts, language=language)
    else:
        rolled = await telemetry.series(scope, point_no, start=start, end=end, bucket_s=_seconds(bucket))
        code, key, unit = rolled.equipment.code, rolled.point.key, rolled.point.unit
        lines = csv_export.series_csv(rolled.series, zone=zone, unit=unit, texts=texts, language=language)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{code}-{key}")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _scope(caller: Principal) -> Scope:
    return caller.scope(*READERS)


def _seconds(bucket: str | None) -> int | None:
    return None if bucket is None else int(bucket[:-1]) * _UNIT_S[bucket[-1]]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a folder of the database
        raise BadTimezone(name) from None
