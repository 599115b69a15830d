"""One's own data over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Session, allow, service, tell_the_audit
from privacy import errors
from privacy.schemas import (
    ConsentIn,
    ConsentOut,
    ErasedOut,
    PersonalDataRequestOut,
    PurposeCode,
    PurposeOut,
    RetentionOut,
)
from privacy.service import PrivacyService

router = APIRouter(prefix="/api/v1/privacy", tags=["personal data"])

STATUS: dict[type[DomainError], int] = {
    errors.NotYourData: 404,
    errors.ErasureRefused: 409,
    errors.PurposeUnknown: 422,
    errors.ConsentOutdated: 409,
    errors.NoConsent: 409,
}

Privacy = Annotated[PrivacyService, Depends(service(PrivacyService))]
Anybody = Annotated[Principal, Depends(allow(*Role))]
Admin = Annotated[Principal, Depends(allow(Role.ADMIN))]
_PACKED = {"content": {"application/zip": {}}, "description": "data.json and files, as an attachment"}
ZIP: dict[int | str, dict[str, Any]] = {200: _PACKED}


@router.get("/purposes", response_model=list[PurposeOut])
async def list_purposes(privacy: Privacy, caller: Anybody) -> list[PurposeOut]:
    """What personal data is used for, on which ground, and the texts that may be agreed to."""
    return [PurposeOut.model_validate(purpose) for purpose in privacy.purposes.values()]


@router.get("/retention", response_model=list[RetentionOut])
async def list_retention(privacy: Privacy, caller: Anybody) -> list[RetentionOut]:
    """How long each kind of personal data is kept."""
    return [RetentionOut(kind=kind, days=days) for kind, days in privacy.retention().items()]


@router.get("/consents", response_model=list[ConsentOut])
async def list_consents(session: Session, privacy: Privacy, caller: Anybody) -> list[ConsentOut]:
    """What the caller agreed to, newest first; withdrawn ones among them."""
    return [ConsentOut.model_validate(row) for row in await privacy.consents(session, caller.person_id)]


@router.post("/consents", response_model=ConsentOut, status_code=201)
async def agree(body: ConsentIn, session: Session, privacy: Privacy, caller: Anybody) -> ConsentOut:
    """Agrees to the text of a purpose. 409 when it has changed since it was shown."""
    given = await privacy.agree(
        session, caller.person_id, purpose=body.purpose, version=body.version, channel=body.channel
    )
    return ConsentOut.model_validate(given)


@router.post("/consents/{purpose}/withdraw", response_model=ConsentOut)
async def withdraw_consent(purpose: PurposeCode, session: Session, privacy: Privacy, caller: Anybody) -> ConsentOut:
    """Takes one's consent back; services that do not rest on it go on."""
    return ConsentOut.model_validate(await privacy.withdraw(session, caller.person_id, purpose=purpose, channel="app"))


@router.get(
    "/people/{person_id}/export", response_class=Response, responses=ZIP, dependencies=[Depends(tell_the_audit)]
)
async def export_personal_data(person_id: UUID, session: Session, privacy: Privacy, caller: Anybody) -> Response:
    """Everything that is held of the caller, or, for an administrator, of anybody, as a ZIP. It is audited."""
    _check_own(caller, person_id)
    packed = await privacy.export(session, person_id, by=caller.person_id)
    disposition = f'attachment; filename="personal-data-{person_id}.zip"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(packed, media_type="application/zip", headers=headers)


@router.post("/people/{person_id}/erase", response_model=ErasedOut)
async def erase_personal_data(person_id: UUID, session: Session, privacy: Privacy, caller: Anybody) -> ErasedOut:
    """Erases names, phones, WeChat identities, words and pictures; orders and figures stay.

    409 names what must be kept for now, and until when.
    """
    _check_own(caller, person_id)
    return ErasedOut(rows=await privacy.erase(session, person_id, by=caller.person_id))


@router.get("/requests", response_model=list[PersonalDataRequestOut])
async def list_personal_data_requests(
    session: Session, privacy: Privacy, caller: Admin
) -> list[PersonalDataRequestOut]:
    """Who asked for whose data, or for its end; the newest 500."""
    return [PersonalDataRequestOut.model_validate(row) for row in await privacy.requests(session)]


def _check_own(caller: Principal, person_id: UUID) -> None:
    """Raises NotYourData."""
    is_admin = any(grant.role is Role.ADMIN and grant.site_id is None for grant in caller.grants)
    if caller.person_id != person_id and not is_admin:
        raise errors.NotYourData(person_id)
