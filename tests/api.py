"""A room's endpoints over HTTP, with the services a test gives them and callers by token."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from fastapi import APIRouter, FastAPI

from kit import http
from kit.access import Authenticator, Grant, NotAuthenticated, Principal, Role
from kit.db import Database
from kit.errors import DomainError
from kit.http import add_error_handlers, provide
from kit.i18n import Texts
from kit.ids import new_id


class FakeLogins:
    """Callers by token: `token = logins.add(Role.MANAGER, site_id=…)`."""

    def __init__(self) -> None:
        self._callers: dict[str, Principal] = {}

    def add(self, *roles: Role, site_id: UUID | None = None, person_id: UUID | None = None, name: str = "张三") -> str:
        """A token of somebody with these roles at one site, or at every site."""
        token = new_id().hex
        grants = frozenset(Grant(role, site_id) for role in roles)
        self._callers[token] = Principal(person_id or new_id(), name, grants)
        return token

    async def authenticate(self, session: object, token: str) -> Principal:
        if token not in self._callers:
            raise NotAuthenticated
        return self._callers[token]


def make_app(
    database: Database,
    *,
    routers: Sequence[APIRouter],
    rooms: Sequence[str],
    services: Sequence[object] = (),
    protocols: Mapping[type[Any], object] | None = None,
    status: Mapping[type[DomainError], int] | None = None,
    logins: Authenticator | None = None,
) -> FastAPI:
    """An application of these routers. `rooms` besides kit have texts; `protocols`: services under another type."""
    app = FastAPI()
    texts = Texts.load(["kit", *rooms])
    for service in (database, texts, *services):
        provide(app, service)
    provide(app, logins or FakeLogins(), as_type=Authenticator)
    for kind, service in (protocols or {}).items():
        provide(app, service, as_type=kind)
    for router in routers:
        app.include_router(router)
    add_error_handlers(app, texts=texts, status=http.STATUS | dict(status or {}))
    return app


@asynccontextmanager
async def client_of(
    app: FastAPI, *, token: str | None = None, language: str = "zh-CN"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process; a fault of ours is answered 500, as outside."""
    headers = {"accept-language": language} | ({"authorization": f"Bearer {token}"} if token else {})
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=headers) as client:
        yield client
