"""Figures over work orders over HTTP: for those who answer for a site. Every figure leads to its orders."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from catalog.foreign_text import Line
from insight import errors
from insight.exporting import CSV_TYPE, XLSX_TYPE, Exporting
from insight.schemas import FigureGroupOut, FigureOrderOut, FiguresOut
from insight.service import MOST_GROUPS_IN_FILE, InsightService
from kit.access import Principal, Role
from kit.clock import Clock
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, RequestLanguage, Session, allow, service, tell_the_audit
from ticketing.feedback import repository as feedback_repository
from ticketing.figures import Dimension, Drill, Figure, FigureFilter, Part
from ticketing.request_schemas import Priority

router = APIRouter(prefix="/api/v1/insight", tags=["insight"])

STATUS: dict[type[DomainError], int] = {
    errors.SpanTooLong: 422,
    errors.SpanTurnedRound: 422,
    errors.TooManyForWorkbook: 422,
}

READERS = (Role.MANAGER, Role.DISPATCHER)
# What leaves the house as a file is the managers' to take.
EXPORTERS = (Role.MANAGER,)
USUAL = timedelta(days=30)

Insight = Annotated[InsightService, Depends(service(InsightService))]
Exports = Annotated[Exporting, Depends(service(Exporting))]
Now = Annotated[Clock, Depends(service(Clock))]
Reader = Annotated[Principal, Depends(allow(*READERS))]
Exporter = Annotated[Principal, Depends(allow(*EXPORTERS))]

_FILE = {200: {"content": {CSV_TYPE.split(";")[0]: {}, XLSX_TYPE: {}}, "description": "the file"}}


class ExportForm(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


async def figure_filter(
    session: Session,
    caller: Caller,
    clock: Now,
    since: Annotated[AwareDatetime | None, Query(description="opened at or after; by default 30 days ago")] = None,
    until: Annotated[AwareDatetime | None, Query(description="opened before; by default now")] = None,
    site: Annotated[UUID | None, Query(description="a site's id")] = None,
    building: Annotated[UUID | None, Query(description="a building's id")] = None,
    equipment: Annotated[UUID | None, Query(description="an equipment's id")] = None,
    equipment_kind: Annotated[Line | None, Query(description="a kind of equipment")] = None,
    technician: Annotated[UUID | None, Query(description="whose orders, a person's id")] = None,
    kind: Annotated[Line | None, Query(description="a kind of orders")] = None,
    category: Annotated[Line | None, Query(description="what they are about")] = None,
    priority: Annotated[Priority | None, Query(description="1…4")] = None,
) -> FigureFilter:
    end = until or clock.now()
    return FigureFilter(
        since=since or _usual(end), until=end, site_id=site, building_id=building, equipment_id=equipment,
        equipment_kind=equipment_kind, assignee_id=technician, kind=kind, category=category, priority=priority,
        # Complaints about the caller do not exist for them, in a figure no more than in a list.
        without=frozenset(await feedback_repository.hidden_from(session, caller.person_id)),
    )  # fmt: skip


def _usual(end: datetime) -> datetime:
    try:
        return end - USUAL
    except OverflowError:  # before the first month that a calendar has
        return end


Filter = Annotated[FigureFilter, Depends(figure_filter)]
By = Annotated[Dimension | None, Query(description="tells figures apart by this")]


def drill_down(
    wanted: Filter,
    figure: Annotated[Figure, Query(description="whose orders")] = Figure.OPENED,
    part: Annotated[Part, Query(description="hits: those that say yes; misses: those that say no")] = Part.ALL,
    by: By = None,
    key: Annotated[Line | None, Query(description="the group's key; none: those that have none")] = None,
) -> Drill:
    return Drill(wanted=wanted, figure=figure, part=part, by=by, key=key)


Down = Annotated[Drill, Depends(drill_down)]


@router.get("/figures", response_model=FiguresOut)
async def get_figures(
    session: Session, insight: Insight, caller: Reader, wanted: Filter, language: RequestLanguage, by: By = None
) -> FiguresOut:
    """All figures of the orders opened in a span, together or by group; what each counts is in docs/figures.md."""
    found = await insight.figures(session, caller.scope(*READERS), wanted, by=by, language=language)
    groups = [FigureGroupOut.of(one) for one in found.groups]
    return FiguresOut(since=wanted.since, until=wanted.until, groups=groups, groups_in_all=found.in_all)


@router.get("/orders", response_model=Page[FigureOrderOut])
async def list_orders_of_figure(
    session: Session, insight: Insight, caller: Reader, drill: Down, paging: Paging
) -> Page[FigureOrderOut]:
    """The orders a figure counts, the newest first: exactly as many as it says."""
    found, total = await insight.orders(
        session, caller.scope(*READERS), drill, limit=paging.limit, offset=paging.offset
    )  # fmt: skip
    items = [FigureOrderOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get(
    "/figures.{form}", response_class=StreamingResponse, responses=_FILE, dependencies=[Depends(tell_the_audit)]  # type: ignore[arg-type]
)  # fmt: skip
async def export_figures(
    form: ExportForm, session: Session, insight: Insight, exports: Exports, caller: Exporter, wanted: Filter,
    language: RequestLanguage, by: By = None,
) -> StreamingResponse:  # fmt: skip
    """The figures as a table that Excel opens. That it was taken is in the audit."""
    scope = caller.scope(*EXPORTERS)
    found = await insight.figures(session, scope, wanted, by=by, language=language, limit=MOST_GROUPS_IN_FILE)
    if form is ExportForm.CSV:
        return _file(exports.figures_csv(found, language=language), "figures", form)
    return _file(exports.figures_xlsx(found, language=language), "figures", form)


@router.get(
    "/orders.{form}", response_class=StreamingResponse, responses=_FILE, dependencies=[Depends(tell_the_audit)]  # type: ignore[arg-type]
)  # fmt: skip
async def export_orders_of_figure(
    form: ExportForm, session: Session, insight: Insight, exports: Exports, caller: Exporter, drill: Down,
    language: RequestLanguage,
) -> StreamingResponse:  # fmt: skip
    """The orders a figure counts as a table that Excel opens; phones masked. That it was taken is in the audit."""
    scope = caller.scope(*EXPORTERS)
    if form is ExportForm.CSV:
        await insight.check(session, scope, drill.wanted)
        return _file(exports.orders_csv(scope, drill, language=language), "work-orders", form)
    _, total = await insight.orders(session, scope, drill, limit=1, offset=0)
    return _file(
        await exports.orders_xlsx(scope, drill, total=total, language=language), "work-orders", form
    )  # fmt: skip


def _file(chunks: AsyncIterator[bytes], name: str, form: ExportForm) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(chunks, media_type=CSV_TYPE if form is ExportForm.CSV else XLSX_TYPE, headers=headers)
