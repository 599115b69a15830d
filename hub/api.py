"""The HTTP application: every room's routes, one error form, the front end."""

from importlib import metadata
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

import alarms.attending_endpoints
import alarms.endpoints
import alarms.flood.endpoints
import alarms.lockouts.endpoints
import alarms.testing.endpoints
import alarms.windows.endpoints
import audit.endpoints
import automation.endpoints
import catalog.endpoints
import device_adapters.mqtt.endpoints
import insight.endpoints
import insight.predictions.endpoints
import insight.rules.endpoints
import knowledge.endpoints
import linkage.endpoints
import notify.alerting.endpoints
import notify.endpoints
import owner_services.endpoints
import owner_services.wechat.endpoints
import people.contractors.endpoints
import people.endpoints
import predictive.consumption.endpoints
import predictive.health.endpoints
import predictive.page.endpoints
import predictive.predictions.endpoints
import predictive.remaining_life.endpoints
import predictive.streaming.endpoints
import predictive.training.endpoints
import privacy.endpoints
import rules.endpoints
import rules.versions.endpoints
import stock.endpoints
import telemetry.endpoints
import ticketing.approvals.endpoints
import ticketing.charging.endpoints
import ticketing.definitions.endpoints
import ticketing.dispatch.endpoints
import ticketing.endpoints
import ticketing.feedback.endpoints
import ticketing.incidents.endpoints
import ticketing.proof.endpoints
import ticketing.sla.endpoints
import ticketing.working.endpoints
from hub import drop_endpoints, health, live
from hub.texts import load_texts
from hub.web import RequestEnvelope
from kit import http
from kit.deeds import Deeds
from kit.errors import DomainError
from kit.i18n import Texts

ROOMS_WITH_ENDPOINTS = (
    people.endpoints, people.contractors.endpoints, catalog.endpoints,
    device_adapters.mqtt.endpoints, telemetry.endpoints, stock.endpoints, rules.endpoints, rules.versions.endpoints,
    alarms.endpoints, alarms.flood.endpoints, alarms.testing.endpoints,
    alarms.attending_endpoints, alarms.windows.endpoints, alarms.lockouts.endpoints,
    ticketing.endpoints, ticketing.definitions.endpoints, ticketing.approvals.endpoints,
    ticketing.feedback.endpoints, ticketing.sla.endpoints,
    ticketing.incidents.endpoints, ticketing.charging.endpoints, ticketing.working.endpoints,
    ticketing.proof.endpoints,
    ticketing.dispatch.endpoints, notify.endpoints, notify.alerting.endpoints,
    owner_services.endpoints, knowledge.endpoints,
    owner_services.wechat.endpoints, automation.endpoints, linkage.endpoints,
    insight.endpoints, insight.rules.endpoints, insight.predictions.endpoints, predictive.predictions.endpoints,
    predictive.training.endpoints,
    predictive.consumption.endpoints, predictive.health.endpoints, predictive.page.endpoints,
    predictive.remaining_life.endpoints, predictive.streaming.endpoints, privacy.endpoints, audit.endpoints,
)  # fmt: skip

DESCRIPTION = """Zhiwu Hub (智物): buildings and the people in them, turned into work that is proved done.

Log in with `POST /api/v1/auth/login` and send `Authorization: Bearer …`. A refusal is a `Problem`: a stable `code`, a
`message` in the language of `Accept-Language` (zh-CN or en), `facts`, and the `request_id` to quote. Lists page with
`limit` and `offset`, sort with `sort=field` or `sort=-field`. Times are UTC, ISO 8601."""


def create_app(texts: Texts) -> FastAPI:
    """The application with all routes and error forms; bootstrap puts the services in (`kit.http.provide`)."""
    app = FastAPI(
        title="Zhiwu Hub", version=metadata.version("zhiwu-hub"), description=DESCRIPTION,
        responses={"4XX": {"model": http.Problem, "description": "Refused, and what to do"}},
    )  # fmt: skip
    status: dict[type[DomainError], int] = dict(http.STATUS)
    routers: list[APIRouter] = [health.router, live.router, drop_endpoints.router]
    for module in ROOMS_WITH_ENDPOINTS:
        routers.append(module.router)
        status |= getattr(module, "STATUS", {})
    for router in routers:
        is_of_orders = any("{work_order_id}" in getattr(route, "path", "") for route in router.routes)
        guards = [Depends(ticketing.feedback.endpoints.not_about_caller)] if is_of_orders else []
        app.include_router(router, dependencies=guards)
    http.add_error_handlers(app, texts=texts, status=status)
    app.add_middleware(Deeds)
    app.add_middleware(RequestEnvelope)
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document."""
    return create_app(load_texts()).openapi()
