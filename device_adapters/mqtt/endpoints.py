"""HTTP of MQTT credentials."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.foreign_text import Line
from device_adapters import errors
from device_adapters.mqtt.credentials import CredentialKind, CredentialService
from device_adapters.mqtt.schemas import CredentialIn, CredentialOut, IssuedOut
from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

router = APIRouter(prefix="/api/v1", tags=["devices"])

STATUS: dict[type[DomainError], int] = {
    errors.CredentialNotFound: 404,
    errors.EquipmentHasNoCredential: 404,
    errors.CredentialNameTaken: 409,
    errors.CredentialNeedsMqtt: 409,
    errors.NameNotForTopics: 422,
    errors.ProfileNotMqtt: 422,
}

# Whoever commissions devices may look; only a manager hands out and takes away.
LOOKING = (Role.ENGINEER, Role.MANAGER)

Credentials = Annotated[CredentialService, Depends(service(CredentialService))]
Looker = Annotated[Principal, Depends(allow(*LOOKING))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]


@router.get("/equipment/{equipment_id}/mqtt-credential", response_model=CredentialOut)
async def get_equipment_mqtt_credential(
    equipment_id: UUID, session: Session, credentials: Credentials, caller: Looker
) -> object:
    """As whom a device comes in, and what it may publish."""
    return await credentials.of_equipment(session, caller.scope(*LOOKING), equipment_id)


@router.post("/equipment/{equipment_id}/mqtt-credential", response_model=IssuedOut, status_code=201)
async def issue_equipment_mqtt_credential(
    equipment_id: UUID, session: Session, credentials: Credentials, caller: Manager
) -> object:
    """A credential for a device, or a new password for the one it has. The password is shown this once."""
    return await credentials.issue_for_equipment(session, caller.scope(Role.MANAGER), equipment_id)


@router.delete("/equipment/{equipment_id}/mqtt-credential", status_code=204)
async def revoke_equipment_mqtt_credential(
    equipment_id: UUID, session: Session, credentials: Credentials, caller: Manager
) -> None:
    """The device is put out and let in no more."""
    await credentials.revoke_for_equipment(session, caller.scope(Role.MANAGER), equipment_id)


@router.get("/mqtt-credentials", response_model=Page[CredentialOut])
async def list_mqtt_credentials(
    session: Session,
    credentials: Credentials,
    caller: Looker,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    kind: Annotated[CredentialKind | None, Query()] = None,
    q: Annotated[Line | None, Query(description="part of the name or title")] = None,
    sort: Annotated[str, Query(description="name, kind or issued_at")] = "name",
) -> Page[CredentialOut]:
    """Everybody who may come in to the embedded broker."""
    found, total = await credentials.find(
        session, caller.scope(*LOOKING), site_id=site_id, kind=kind, q=q, sort=sort,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip
    items = [CredentialOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/mqtt-credentials", response_model=IssuedOut, status_code=201)
async def issue_mqtt_credential(
    body: CredentialIn, session: Session, credentials: Credentials, caller: Manager
) -> object:
    """A credential for a platform, gateway or panel. The password is shown this once."""
    return await credentials.issue(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, kind=body.kind, name=body.name, title=body.title,
        profile=body.profile,
    )  # fmt: skip


@router.post("/mqtt-credentials/{credential_id}/password", response_model=IssuedOut)
async def rotate_mqtt_credential(
    credential_id: UUID, session: Session, credentials: Credentials, caller: Manager
) -> object:
    """A new password; whoever uses the old one is put out."""
    return await credentials.rotate(session, caller.scope(Role.MANAGER), credential_id)


@router.delete("/mqtt-credentials/{credential_id}", status_code=204)
async def revoke_mqtt_credential(
    credential_id: UUID, session: Session, credentials: Credentials, caller: Manager
) -> None:
    """Puts it out and lets it in no more."""
    await credentials.revoke(session, caller.scope(Role.MANAGER), credential_id)
