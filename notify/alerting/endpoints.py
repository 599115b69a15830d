"""Who is told of alarms, over HTTP: policies, destinations, and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from catalog.errors import SiteNotFound
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, RequestLanguage, Session, allow, service
from notify.alerting import errors
from notify.alerting.destinations import AlertDestinations
from notify.alerting.explaining import Explanations
from notify.alerting.policy_book import AlertPolicies
from notify.alerting.reason import Reason
from notify.alerting.repository import CaseFilter
from notify.alerting.schemas import (
    AlertCaseOut,
    AlertDecisionOut,
    AlertDeliveryOut,
    AlertDestinationIn,
    AlertDestinationOut,
    AlertDestinationPatch,
    AlertExplanationOut,
    AlertPolicyIn,
    AlertPolicyOut,
    AlertPolicyRestoreIn,
    AlertSecretOut,
    AlertTestOut,
    WhyToldOut,
)

router = APIRouter(prefix="/api/v1", tags=["alerting"])

STATUS: dict[type[DomainError], int] = {
    errors.AlertPolicyInvalid: 422,
    errors.AlertPolicyChanged: 409,
    errors.AlertPolicyVersionNotFound: 404,
    errors.AlertDestinationNotFound: 404,
    errors.AlertDestinationNameTaken: 409,
    errors.AlertDestinationRefused: 422,
    errors.TooManyAlertDestinations: 409,
    errors.AlertCaseNotFound: 404,
}

Policies = Annotated[AlertPolicies, Depends(service(AlertPolicies))]
Destinations = Annotated[AlertDestinations, Depends(service(AlertDestinations))]
Record = Annotated[Explanations, Depends(service(Explanations))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]


# --- policies ------------------------------------------------------------------------------------------------------


@router.get("/sites/{site_id}/alert-policy", response_model=AlertPolicyOut)
async def get_alert_policy(site_id: UUID, session: Session, policies: Policies, caller: Reader) -> AlertPolicyOut:
    """What holds at the site; version 0 is what the hub came with."""
    return AlertPolicyOut.of(site_id, await policies.of_site(session, caller.scope(*STAFF), site_id))


@router.put("/sites/{site_id}/alert-policy", response_model=AlertPolicyOut)
async def save_alert_policy(
    site_id: UUID, body: AlertPolicyIn, session: Session, policies: Policies, caller: Manager
) -> AlertPolicyOut:
    """Saves the next version, which holds for alarms from now on: what is being told follows the one it began with."""
    saved = await policies.save(
        session, caller.scope(Role.MANAGER), site_id, body.document.meant, seen=body.version, reason=body.reason,
        by=caller.person_id,
    )  # fmt: skip
    return AlertPolicyOut.of(site_id, saved)


@router.get("/sites/{site_id}/alert-policy/versions", response_model=Page[AlertPolicyOut])
async def list_alert_policy_versions(
    site_id: UUID, session: Session, policies: Policies, caller: Reader, paging: Paging
) -> Page[AlertPolicyOut]:
    """What was saved, by whom and why, the newest first."""
    found, total = await policies.versions(
        session, caller.scope(*STAFF), site_id, limit=paging.limit, offset=paging.offset
    )
    items = [AlertPolicyOut.of(site_id, one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/sites/{site_id}/alert-policy/restore", response_model=AlertPolicyOut)
async def restore_alert_policy(
    site_id: UUID, body: AlertPolicyRestoreIn, session: Session, policies: Policies, caller: Manager
) -> AlertPolicyOut:
    """Goes back to an earlier version by saving it once more."""
    saved = await policies.restore(
        session, caller.scope(Role.MANAGER), site_id, body.to_version, seen=body.version, reason=body.reason,
        by=caller.person_id,
    )  # fmt: skip
    return AlertPolicyOut.of(site_id, saved)


# --- destinations --------------------------------------------------------------------------------------------------


@router.get("/alert-destinations", response_model=list[AlertDestinationOut])
async def list_alert_destinations(
    session: Session, destinations: Destinations, caller: Manager, site_id: UUID | None = None
) -> list[AlertDestinationOut]:
    """Where alarms are told besides people, by name."""
    found = await destinations.find(session, caller.scope(Role.MANAGER), site_id)
    return [AlertDestinationOut.of(row) for row in found]


@router.post("/alert-destinations", response_model=AlertDestinationOut, status_code=201)
async def add_alert_destination(
    body: AlertDestinationIn, session: Session, destinations: Destinations, caller: Manager
) -> AlertDestinationOut:
    """A group's robot, a mailbox, a webhook or a topic. A policy's steps name it to be told."""
    scope = caller.scope(Role.MANAGER)
    if not scope.allows(body.site_id):
        raise SiteNotFound(body.site_id)
    return AlertDestinationOut.of(await destinations.add(session, scope, body.meant))


@router.patch("/alert-destinations/{destination_id}", response_model=AlertDestinationOut)
async def change_alert_destination(
    destination_id: UUID, body: AlertDestinationPatch, session: Session, destinations: Destinations, caller: Manager
) -> AlertDestinationOut:
    """Changes it, or switches it off."""
    row = await destinations.change(
        session, caller.scope(Role.MANAGER), destination_id, body.sent(), version=body.version
    )
    return AlertDestinationOut.of(row)


@router.post("/alert-destinations/{destination_id}/test", response_model=AlertTestOut, status_code=202)
async def try_alert_destination(
    destination_id: UUID, session: Session, destinations: Destinations, caller: Manager
) -> AlertTestOut:
    """Sends a message that says it is a test; its deliveries tell what came of it."""
    delivery_id = await destinations.test(session, caller.scope(Role.MANAGER), destination_id)
    return AlertTestOut(delivery_id=delivery_id)


@router.post("/alert-destinations/{destination_id}/secret", response_model=AlertSecretOut)
async def show_alert_secret(
    destination_id: UUID, session: Session, destinations: Destinations, caller: Manager
) -> AlertSecretOut:
    """The secret that a webhook's messages are signed with; who looks is written down."""
    return AlertSecretOut(secret=await destinations.secret(session, caller.scope(Role.MANAGER), destination_id))


@router.get("/alert-destinations/{destination_id}/deliveries", response_model=Page[AlertDeliveryOut])
async def list_alert_deliveries(
    destination_id: UUID, session: Session, destinations: Destinations, caller: Manager, paging: Paging
) -> Page[AlertDeliveryOut]:
    """What was sent there and what came of it, the newest first."""
    rows, total = await destinations.deliveries(
        session, caller.scope(Role.MANAGER), destination_id, limit=paging.limit, offset=paging.offset
    )
    items = [AlertDeliveryOut.of(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


# --- why -----------------------------------------------------------------------------------------------------------


@router.get("/alert-cases", response_model=Page[AlertCaseOut])
async def list_alert_cases(
    session: Session, record: Record, caller: Reader, paging: Paging, site_id: UUID | None = None,
    alarm_id: UUID | None = None, group_id: UUID | None = None, end_reason: Reason | None = None,
    open: bool | None = None,
) -> Page[AlertCaseOut]:  # fmt: skip
    """How alarms were told, the newest first; `end_reason=chain_over` shows those that nobody answered."""
    wanted = CaseFilter(site_id=site_id, alarm_id=alarm_id, group_id=group_id, end_reason=end_reason, open=open)
    rows, total = await record.cases(
        session, caller.scope(*STAFF), wanted, limit=paging.limit, offset=paging.offset
    )  # fmt: skip
    items = [AlertCaseOut.of(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/alert-cases/{case_id}", response_model=AlertExplanationOut)
async def explain_alert_case(
    case_id: UUID, session: Session, record: Record, caller: Reader, language: RequestLanguage
) -> AlertExplanationOut:
    """Every decision of a case as it was made: who was told and why, who was not and why."""
    case, found = await record.of_case(session, caller.scope(*STAFF), case_id, language=language)
    return AlertExplanationOut(case=AlertCaseOut.of(case), decisions=[AlertDecisionOut.of(one) for one in found])


@router.get("/alert-cases-of-mine", response_model=Page[WhyToldOut])
async def why_was_i_told(
    session: Session, record: Record, caller: Reader, paging: Paging, language: RequestLanguage
) -> Page[WhyToldOut]:
    """“Why was I woken?”: every alarm that the caller was told of, the newest first, each with its reason."""
    rows, total = await record.of_person(
        session, caller.scope(*STAFF), caller.person_id, language=language, limit=paging.limit, offset=paging.offset
    )
    items = [WhyToldOut(case=AlertCaseOut.of(case), decision=AlertDecisionOut.of(one)) for case, one in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)
