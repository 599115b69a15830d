"""HTTP of profiles, discovered devices and dead letters."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from building.equipment import EquipmentKind
from catalog.dead_letters import DeadLetters
from catalog.device_schemas import (
    BindIn,
    Bound,
    DeadLetterOut,
    DiscoveredDetail,
    DiscoveredOut,
    LetterCountOut,
    ProfileOut,
    Purged,
    SampleOut,
)
from catalog.discovery import Discovery
from catalog.foreign_text import Line
from catalog.service import CatalogService
from kit.access import STAFF, Principal, Role
from kit.http import Page, Paging, Session, allow, service

router = APIRouter()

Catalog = Annotated[CatalogService, Depends(service(CatalogService))]
Inbox = Annotated[Discovery, Depends(service(Discovery))]
Letters = Annotated[DeadLetters, Depends(service(DeadLetters))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Binder = Annotated[Principal, Depends(allow(Role.MANAGER, Role.ENGINEER))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]


@router.get("/profiles", response_model=list[ProfileOut])
async def list_profiles(
    catalog: Catalog, _: Reader, kind: Annotated[EquipmentKind | None, Query()] = None
) -> list[ProfileOut]:
    """The device library."""
    return [ProfileOut.of(profile) for profile in catalog.profiles() if kind in (None, profile.kind)]


@router.get("/profiles/{key}", response_model=ProfileOut)
async def get_profile(key: str, catalog: Catalog, _: Reader) -> ProfileOut:
    return ProfileOut.of(catalog.profile(key))


# --- discovered devices ------------------------------------------------------------------------------------------


@router.get("/discovered-devices", response_model=Page[DiscoveredOut])
async def list_discovered_devices(
    session: Session,
    inbox: Inbox,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    protocol: Annotated[Line | None, Query()] = None,
    bound: Annotated[bool | None, Query(description="only bound, or only waiting ones")] = None,
    q: Annotated[Line | None, Query(description="part of the device's name")] = None,
    sort: Annotated[str, Query(description="last_seen_at, first_seen_at, messages or external_id")] = "-last_seen_at",
) -> Page[DiscoveredOut]:
    """Devices that speak and that the catalog does not know."""
    found, total = await inbox.find(
        session, caller.scope(*STAFF), site_id=site_id, protocol=protocol, is_bound=bound, q=q, sort=sort,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip
    items = [DiscoveredOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/discovered-devices/{discovered_id}", response_model=DiscoveredDetail)
async def get_discovered_device(
    discovered_id: UUID, session: Session, inbox: Inbox, caller: Reader
) -> DiscoveredDetail:
    """A discovered device with the newest messages it sent."""
    scope = caller.scope(*STAFF)
    device = await inbox.device(session, scope, discovered_id)
    samples = [SampleOut.of(sample) for sample in await inbox.samples(session, scope, discovered_id)]
    return DiscoveredDetail(**vars(device), samples=samples)


@router.post("/discovered-devices/{discovered_id}/bind", response_model=Bound)
async def bind_discovered_device(
    discovered_id: UUID, body: BindIn, session: Session, inbox: Inbox, caller: Binder
) -> Bound:
    """Makes an equipment go by the device's name on the wire; its kept messages are stored as readings."""
    scope = caller.scope(Role.MANAGER, Role.ENGINEER)
    samples = await inbox.bind(session, scope, discovered_id, body.equipment_id)
    return Bound(equipment_id=body.equipment_id, samples=len(samples))


@router.delete("/discovered-devices/{discovered_id}", status_code=204, response_model=None)
async def forget_discovered_device(discovered_id: UUID, session: Session, inbox: Inbox, caller: Manager) -> None:
    """Takes a device out of the inbox; it comes back when it speaks again."""
    await inbox.forget(session, caller.scope(Role.MANAGER), discovered_id)


# --- dead letters ------------------------------------------------------------------------------------------------


@router.get("/dead-letters", response_model=Page[DeadLetterOut])
async def list_dead_letters(
    session: Session,
    letters: Letters,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    reason: Annotated[Line | None, Query()] = None,
    source: Annotated[Line | None, Query()] = None,
    sort: Annotated[str, Query(description="received_at, reason or source; - turns it round")] = "-received_at",
) -> Page[DeadLetterOut]:
    """Input that could not be used, and why."""
    found, total = await letters.find(
        session, caller.scope(*STAFF), site_id=site_id, reason=reason, source=source, sort=sort, limit=paging.limit,
        offset=paging.offset,
    )  # fmt: skip
    items = [DeadLetterOut.of(letter) for letter in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/dead-letters/counts", response_model=list[LetterCountOut])
async def count_dead_letters(session: Session, letters: Letters, caller: Reader) -> object:
    """How many letters are kept of each reason and source."""
    return await letters.counts(session, caller.scope(*STAFF))


@router.get("/dead-letters/{letter_id}", response_model=DeadLetterOut)
async def get_dead_letter(letter_id: UUID, session: Session, letters: Letters, caller: Reader) -> DeadLetterOut:
    return DeadLetterOut.of(await letters.letter(session, caller.scope(*STAFF), letter_id))


@router.delete("/dead-letters", response_model=Purged)
async def purge_dead_letters(
    session: Session,
    letters: Letters,
    caller: Manager,
    site_id: Annotated[UUID | None, Query()] = None,
    reason: Annotated[Line | None, Query()] = None,
    before: Annotated[AwareDatetime | None, Query()] = None,
) -> Purged:
    """Deletes letters that were looked into: all that match."""
    until: datetime | None = before
    deleted = await letters.purge(session, caller.scope(Role.MANAGER), site_id=site_id, reason=reason, before=until)
    return Purged(deleted=deleted)
