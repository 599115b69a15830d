"""HTTP of logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from kit.http import Caller, Session, changes_nothing, service
from people.login import Logins
from people.schemas import GrantBody, LoginIn, MeOut, PasswordIn, StreamTokenOut, TokenOut

router = APIRouter(prefix="/auth")

Login = Annotated[Logins, Depends(service(Logins))]


# The audit hears of log-ins, refused ones too, from the service.
@router.post("/login", response_model=TokenOut, dependencies=[Depends(changes_nothing)])
async def log_in(body: LoginIn, request: Request, session: Session, logins: Login) -> TokenOut:
    """A token for `Authorization: Bearer …`. Wrong passwords are counted; after a few there is a pause (429)."""
    token = await logins.log_in(session, username=body.username, password=body.password, address=_address(request))
    return TokenOut(access_token=token.text, expires_in=token.expires_in_s)


@router.get("/me", response_model=MeOut)
async def who_am_i(caller: Caller) -> MeOut:
    grants = sorted(caller.grants, key=lambda grant: (grant.role, str(grant.site_id)))
    return MeOut(
        person_id=caller.person_id, name=caller.name, grants=[GrantBody.model_validate(grant) for grant in grants]
    )


@router.post("/logout", status_code=204, response_model=None)
async def log_out(caller: Caller, session: Session, logins: Login) -> None:
    """Revokes every token of the caller, on every device."""
    await logins.log_out(session, caller.person_id)


@router.post("/stream-token", response_model=StreamTokenOut, dependencies=[Depends(changes_nothing)])
async def stream_token(caller: Caller, session: Session, logins: Login) -> StreamTokenOut:
    """A short-lived token with which to open the live stream, whose address can carry no header."""
    token = await logins.stream_token(session, caller.person_id)
    return StreamTokenOut(stream_token=token.text, expires_in=token.expires_in_s)


@router.post("/password", status_code=204, response_model=None)
async def change_password(body: PasswordIn, request: Request, caller: Caller, session: Session, logins: Login) -> None:
    """Sets a new password; every token is revoked, so log in again."""
    await logins.change_password(session, caller.person_id, old=body.old, new=body.new, address=_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
