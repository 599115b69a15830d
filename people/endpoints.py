"""HTTP of people; logins and shifts join here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.foreign_text import Line
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, SeenVersion, Session, allow, service, tell_the_audit
from people import errors, login_endpoints, shift_endpoints
from people.editing import PeopleEditor
from people.kinds import PersonKind, Skill
from people.repository import PersonFilter
from people.schemas import (
    AccountIn,
    AccountOut,
    AreasBody,
    GrantBody,
    PersonDetailOut,
    PersonIn,
    PersonOut,
    PersonPatch,
    ResidenceIn,
    ResidenceOut,
    SkillBody,
)
from people.service import PeopleService
from people.views import SkillView

router = APIRouter(prefix="/api/v1", tags=["people"])

STATUS: dict[type[DomainError], int] = {
    errors.LoginRefused: 401,
    errors.GrantRefused: 403,
    errors.PersonNotFound: 404,
    errors.NoAccount: 404,
    errors.ShiftNotFound: 404,
    errors.RotaNotFound: 404,
    errors.ResidenceNotFound: 404,
    errors.UsernameTaken: 409,
    errors.WecomUserTaken: 409,
    errors.ShiftOverlaps: 409,
    errors.NobodyResponsible: 409,
    errors.WeakPassword: 422,
    errors.BadShift: 422,
    errors.SpaceIsNoHome: 422,
    errors.TooManyFailures: 429,
}

People = Annotated[PeopleService, Depends(service(PeopleService))]
Editor = Annotated[PeopleEditor, Depends(service(PeopleEditor))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
Admin = Annotated[Principal, Depends(allow(Role.ADMIN))]

SEES_PHONES = (Role.DISPATCHER, Role.MANAGER)
WholePhone = Annotated[bool, Query(description="phone numbers unmasked; for dispatchers and managers")]


def _sees_phones(caller: Principal, site_ids: list[UUID]) -> bool:
    """Whether the caller is a dispatcher or a manager at one of these sites."""
    scope = caller.scope(*SEES_PHONES)
    return scope.site_ids is None or any(scope.allows(site_id) for site_id in site_ids)


@router.get("/people", response_model=Page[PersonOut])
async def list_people(
    session: Session,
    people: People,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    kind: Annotated[PersonKind | None, Query()] = None,
    skill: Annotated[Skill | None, Query()] = None,
    role: Annotated[Role | None, Query()] = None,
    space_id: Annotated[UUID | None, Query(description="who lives in this home")] = None,
    q: Annotated[Line | None, Query(description="part of a name, or a whole phone number")] = None,
    inactive: Annotated[bool, Query(description="those who left, too")] = False,
    whole_phone: WholePhone = False,
    sort: Annotated[str, Query(description="name, kind or created_at; - turns it round")] = "name",
) -> Page[PersonOut]:
    """People of the caller's sites. Whole phone numbers narrow the list to sites where the caller may see them."""
    roles = SEES_PHONES if whole_phone else tuple(STAFF)
    if whole_phone:
        tell_the_audit()
    wanted = PersonFilter(
        site_id=site_id, kind=kind, skill=skill, role=role, space_id=space_id, q=q, with_inactive=inactive
    )
    found, total = await people.find(
        session, caller.scope(*roles), wanted, sort=sort, limit=paging.limit, offset=paging.offset
    )
    items = [PersonOut.of(person, whole_phone=whole_phone) for person in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/people", response_model=PersonDetailOut, status_code=201)
async def create_person(
    body: PersonIn, session: Session, people: People, editor: Editor, caller: Manager
) -> PersonDetailOut:
    scope = caller.scope(Role.MANAGER)
    person_id = await editor.create(session, scope, **dict(body))
    return PersonDetailOut.of_detail(await people.detail(session, scope, person_id), whole_phone=True)


@router.get("/people/{person_id}", response_model=PersonDetailOut)
async def get_person(person_id: UUID, session: Session, people: People, caller: Reader) -> PersonDetailOut:
    """Everything about somebody at the caller's sites; the phone number whole for dispatchers and managers there."""
    detail = await people.detail(session, caller.scope(*STAFF), person_id)
    whole_phone = _sees_phones(caller, detail.site_ids)
    if whole_phone:
        tell_the_audit()
    return PersonDetailOut.of_detail(detail, whole_phone=whole_phone)


@router.patch("/people/{person_id}", response_model=PersonDetailOut)
async def change_person(
    person_id: UUID, body: PersonPatch, session: Session, people: People, editor: Editor, caller: Manager
) -> PersonDetailOut:
    scope = caller.scope(Role.MANAGER)
    await editor.change(session, scope, person_id, body.sent(), version=body.version)
    return PersonDetailOut.of_detail(await people.detail(session, scope, person_id), whole_phone=True)


@router.delete("/people/{person_id}", response_model=PersonOut)
async def deactivate_person(
    person_id: UUID, session: Session, people: People, editor: Editor, caller: Admin, version: SeenVersion = None
) -> PersonOut:
    """Somebody left: no login, no coming shifts, no longer listed. What they did stays."""
    scope = caller.scope(Role.ADMIN)
    await editor.deactivate(session, scope, person_id, version=version)
    return PersonOut.of(await people.person(session, scope, person_id), whole_phone=False)


@router.post("/people/{person_id}/restore", response_model=PersonOut)
async def restore_person(person_id: UUID, session: Session, people: People, editor: Editor, caller: Admin) -> PersonOut:
    """Somebody is back; the login has to be given anew."""
    scope = caller.scope(Role.ADMIN)
    await editor.change(session, scope, person_id, {"is_active": True})
    return PersonOut.of(await people.person(session, scope, person_id), whole_phone=False)


# --- login and rights --------------------------------------------------------------------------------------------


@router.put("/people/{person_id}/account", response_model=AccountOut)
async def set_account(
    person_id: UUID, body: AccountIn, session: Session, editor: Editor, caller: Admin, version: SeenVersion = None
) -> AccountOut:
    """Gives somebody a login, or a new password; whoever was logged in as them no longer is."""
    scope = caller.scope(Role.ADMIN)
    password = await editor.set_account(
        session, scope, person_id, username=body.username, password=body.password, version=version
    )
    return AccountOut(username=body.username, password=None if body.password else password)


@router.delete("/people/{person_id}/account", status_code=204, response_model=None)
async def disable_account(person_id: UUID, session: Session, editor: Editor, caller: Admin) -> None:
    """Takes the login away at once."""
    await editor.disable_account(session, caller.scope(Role.ADMIN), person_id)


@router.put("/people/{person_id}/roles", response_model=list[GrantBody])
async def set_roles(
    person_id: UUID, body: list[GrantBody], session: Session, people: People, editor: Editor, caller: Admin,
    version: SeenVersion = None,
) -> list[GrantBody]:  # fmt: skip
    """Sets what somebody may at the sites the caller administers; rights elsewhere stay."""
    scope = caller.scope(Role.ADMIN)
    await editor.set_grants(session, scope, person_id, [grant.grant for grant in body], version=version)
    detail = await people.detail(session, scope, person_id)
    return [GrantBody.model_validate(grant) for grant in detail.grants]


# --- skills, areas, homes ----------------------------------------------------------------------------------------


@router.put("/people/{person_id}/skills", response_model=list[SkillBody])
async def set_skills(
    person_id: UUID, body: list[SkillBody], session: Session, people: People, editor: Editor, caller: Manager,
    version: SeenVersion = None,
) -> list[SkillBody]:  # fmt: skip
    """Sets what somebody can do, with the certificates behind it."""
    scope = caller.scope(Role.MANAGER)
    skills = [SkillView(**dict(skill)) for skill in body]
    await editor.set_skills(session, scope, person_id, skills, version=version)
    detail = await people.detail(session, scope, person_id)
    return [SkillBody.model_validate(skill) for skill in detail.skills]


@router.put("/people/{person_id}/areas", response_model=AreasBody)
async def set_areas(
    person_id: UUID, body: AreasBody, session: Session, people: People, editor: Editor, caller: Manager,
    version: SeenVersion = None,
) -> AreasBody:  # fmt: skip
    """Sets which buildings somebody looks after; none means all."""
    scope = caller.scope(Role.MANAGER)
    await editor.set_areas(session, scope, person_id, body.building_ids, version=version)
    return AreasBody(building_ids=(await people.detail(session, scope, person_id)).building_ids)


@router.post("/people/{person_id}/residences", response_model=ResidenceOut, status_code=201)
async def add_residence(
    person_id: UUID, body: ResidenceIn, session: Session, editor: Editor, caller: Manager
) -> ResidenceOut:
    """Binds somebody to a home, or changes what they are to it."""
    residence_id = await editor.add_residence(
        session, caller.scope(Role.MANAGER), person_id, space_id=body.space_id, relation=body.relation
    )
    return ResidenceOut(residence_id=residence_id)


@router.delete("/residences/{residence_id}", status_code=204, response_model=None)
async def remove_residence(residence_id: UUID, session: Session, editor: Editor, caller: Manager) -> None:
    """Somebody moved out."""
    await editor.remove_residence(session, caller.scope(Role.MANAGER), residence_id)


for _part in (login_endpoints, shift_endpoints):
    router.include_router(_part.router)
