"""What every room's endpoints share: the request's session and caller, services by type, paging, error bodies."""

import re
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import Annotated, Any, Generic, Protocol, TypeVar

import psycopg
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, ConfigDict
from pydantic.warnings import UnsupportedFieldAttributeWarning
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from kit.access import Authenticator, NotAllowed, NotAuthenticated, Principal, Role
from kit.answers import KeyInvalid, KeyReused, StillBeingDone
from kit.bodies import BodyTooLarge, BodyTooSlow
from kit.db import Database
from kit.deeds import Journal, current_deed
from kit.errors import DomainError, StaleEdit
from kit.i18n import Language, Texts
from kit.ids import new_id
from kit.logs import logger

log = logger(__name__)

T = TypeVar("T")

MOST_NAMED = 5

request_id: ContextVar[str] = ContextVar("request_id", default="-")

STATUS: dict[type[DomainError], int] = {
    NotAuthenticated: 401,
    NotAllowed: 403,
    BodyTooSlow: 408,
    StaleEdit: 409,
    StillBeingDone: 409,
    BodyTooLarge: 413,
    KeyInvalid: 422,
    KeyReused: 422,
}


# FastAPI makes annotations of the fields that it has itself, and silences what Pydantic says of that; but not where a
# shape is built later (`Schema`).
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)


class Schema(BaseModel):
    """Base of request and response bodies: unknown fields in a request are refused, attributes are read."""

    # Validators are built when a shape is used first: a process starts a quarter sooner, and sees few of all shapes.
    model_config = ConfigDict(from_attributes=True, extra="forbid", defer_build=True)


class Problem(Schema):
    """What every refusal looks like: a stable code, a sentence in the caller's language, facts, the request's id."""

    code: str
    message: str
    facts: dict[str, Any] = {}
    request_id: str


class Page(Schema, Generic[T]):
    """One page of a list and how many rows the filter matches in all; with `more`, at least so many."""

    items: list[T]
    total: int
    limit: int
    offset: int
    more: bool = False


class PageParams(BaseModel):
    limit: int = 50
    offset: int = 0


def page_params(
    limit: Annotated[int, Query(ge=1, le=500, description="rows a page")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="rows to skip")] = 0,
) -> PageParams:
    return PageParams(limit=limit, offset=offset)


Paging = Annotated[PageParams, Depends(page_params)]

# The `version` that a caller has seen of what a route without a body of fields changes.
SeenVersion = Annotated[int | None, Query(ge=1, description="the version last seen; a newer one refuses")]


# --- services, session, caller -----------------------------------------------------------------------------------


def provide(app: FastAPI, service: object, *, as_type: type[Any] | None = None) -> None:
    """Makes a service available to endpoints under its type or a Protocol. Bootstrap calls it; tests give fakes."""
    if not hasattr(app.state, "services"):
        app.state.services = {}
    app.state.services[as_type or type(service)] = service


def service(kind: type[T]) -> Callable[[Request], T]:
    """A dependency that finds a service: `Annotated[TicketingService, Depends(service(TicketingService))]`."""

    def find(request: Request) -> T:
        found: T = request.app.state.services[kind]
        return found

    return find


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's session: of a request that may change something the one around it (`kit.deeds`)."""
    deed = current_deed.get()
    if deed is not None and deed.session is not None:
        deed.is_used = True
        yield deed.session
        return
    services = request.app.state.services
    database: Database = services[Database]
    async with database.transaction() as session:
        yield session
        if deed is not None and deed.is_told and Journal in services:
            await services[Journal].keep(session, deed, None)


# scope="function": the commit happens before the response is sent, so that a 200 means "kept".
Session = Annotated[AsyncSession, Depends(request_session, scope="function")]

_bearer = HTTPBearer(auto_error=False)


async def current_caller(
    request: Request,
    session: Session,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    if credentials is None:
        raise NotAuthenticated
    authenticator: Authenticator = request.app.state.services[Authenticator]
    caller = await authenticator.authenticate(session, credentials.credentials)
    deed = current_deed.get()
    if deed is not None:
        deed.caller = caller
    return caller


def tell_the_audit() -> None:
    """Of a GET that is a deed all the same: `dependencies=[Depends(tell_the_audit)]` on an export, or called where
    a phone number is shown whole."""
    deed = current_deed.get()
    if deed is not None:
        deed.is_told = True


def changes_nothing() -> None:
    """`dependencies=[Depends(changes_nothing)]`: a POST that only asks, of which the audit need know nothing."""
    deed = current_deed.get()
    if deed is not None:
        deed.changes_nothing = True


Caller = Annotated[Principal, Depends(current_caller)]


def allow(*roles: Role) -> Any:
    """A dependency that refuses callers with none of `roles`: `Depends(allow(Role.DISPATCHER))` on a route or a router.

    An admin may always. The route's scope check is still the service's: pass `caller.scope(*roles)` on.
    """
    needed = frozenset({*roles, Role.ADMIN})

    async def gate(caller: Caller) -> Principal:
        if not caller.has(*needed):
            raise NotAllowed(needs=", ".join(sorted(role.value for role in roles)))
        return caller

    gate.__dict__["roles"] = needed
    return gate


class HttpMeters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter("hub_http_failures", "Requests that failed unexpectedly (500)", registry=registry)


class History(Protocol):
    """Knows what became of a thing since somebody looked at it."""

    async def changes(
        self, session: AsyncSession, kind: str, about: str, *, since_version: int
    ) -> list[dict[str, Any]]:
        """`{"version", "at", "by", "by_name", "before", "after", "why"}` a change, oldest first. `kind` and `about`
        are the name and the value of the route's first path parameter."""
        ...


async def _missed(request: Request, error: StaleEdit) -> dict[str, Any]:
    """What a stale caller has not seen, as a fact of the refusal: read over the connection that the request has."""
    services = getattr(request.app.state, "services", {})
    named = next(iter(request.path_params.items()), None)
    if named is None or History not in services:
        return {}
    kind, about, since = named[0].removesuffix("_id"), error.row_id or str(named[1]), error.given_version
    deed = current_deed.get()
    if deed is not None and deed.session is not None:
        # What the refused work has not written yet is going to be rolled back.
        with deed.session.no_autoflush:
            return {"changes": await services[History].changes(deed.session, kind, about, since_version=since)}
    database: Database = services[Database]
    async with database.transaction() as session:
        return {"changes": await services[History].changes(session, kind, about, since_version=since)}


# --- refusals ----------------------------------------------------------------------------------------------------


def language(request: Request) -> Language:
    return Language.of_header(request.headers.get("accept-language"))


RequestLanguage = Annotated[Language, Depends(language)]


def add_error_handlers(app: FastAPI, *, texts: Texts, status: Mapping[type[DomainError], int]) -> None:
    """Every refusal becomes a Problem in the caller's language; nothing shows a stack trace.

    `status` is the union of the rooms' `STATUS` tables; a DomainError in none of them is answered 400.
    """

    def problem(request: Request, code: int, key: str, **facts: Any) -> JSONResponse:
        body = Problem(
            code=key, message=texts.text(f"errors.{key}", language(request), **facts),
            facts=facts, request_id=request_id_of(request),
        )  # fmt: skip
        return JSONResponse(body.model_dump(mode="json"), status_code=code)

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, DomainError)
        code = next((status[cls] for cls in type(error).__mro__ if cls in status), 400)
        body = Problem(
            code=error.code(), message=texts.of_error(error, language(request)),
            facts=error.facts | (await _missed(request, error) if isinstance(error, StaleEdit) else {}),
            request_id=request_id_of(request),
        )  # fmt: skip
        return JSONResponse(body.model_dump(mode="json"), status_code=code, headers=_HEADERS_OF.get(code))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        detail = "; ".join(what_is_invalid(each, texts, language(request)) for each in error.errors()[:MOST_NAMED])
        return problem(request, 422, "invalid_request", detail=detail)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        key = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
        if key is None:
            return problem(request, error.status_code, "invalid_request", detail=error.detail)
        return problem(request, error.status_code, key)

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        services = getattr(request.app.state, "services", {})  # none where an app is only described
        failures: HttpMeters | None = services.get(HttpMeters)
        if failures is not None:
            failures.failures.inc()
        log.exception("request failed", path=_route_of(request), request_id=request_id_of(request), exc_info=error)
        return problem(request, 500, "internal", request_id=request_id_of(request))

    async def dangling(request: Request, error: Exception) -> JSONResponse:
        """An id of nothing that only the database noticed: of a site, say, from somebody who may see every site."""
        assert isinstance(error, IntegrityError)
        named = _MISSING.match(_detail_of(error))
        if named is None:
            return await unexpected(request, error)
        log.info("reference to nothing", path=_route_of(request), field=named[1], request_id=request_id_of(request))
        return problem(request, 422, "nothing_of_that_id", field=named[1])

    app.add_exception_handler(DomainError, refused)
    app.add_exception_handler(IntegrityError, dangling)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


# Who sends too slowly has not sent all yet, and what comes after would be taken for another request.
_HEADERS_OF = {401: {"WWW-Authenticate": "Bearer"}, 408: {"Connection": "close"}}


def _route_of(request: Request) -> str:
    """The route's path with the names of its parameters: their values may be secrets, as of a link that lets in."""
    return str(getattr(request.scope.get("route"), "path", request.url.path))


_MISSING = re.compile(r"Key \((\w+)\)=.* is not present in table")


def _detail_of(error: IntegrityError) -> str:
    """What PostgreSQL says of a reference that leads nowhere; nothing for any other breach."""
    cause = error.orig
    return cause.diag.message_detail or "" if isinstance(cause, psycopg.errors.ForeignKeyViolation) else ""


def what_is_invalid(error: Mapping[str, Any], texts: Texts, language: Language) -> str:
    """`field: what is wrong`, in our words where we have some for that kind of mistake, else in pydantic's."""
    # In a body that is no JSON the place is a position, which is among the facts.
    place = [] if error["type"] == "json_invalid" else error["loc"][1:]
    # The name of a field itself, not what is in it, is a place that only pydantic calls so.
    where = ".".join(str(part) for part in place if part != "[key]") or str(error["loc"][0])
    try:
        facts = {name: str(fact) for name, fact in (error.get("ctx") or {}).items()}
        if "expected" in facts:
            facts["expected"] = facts["expected"].replace(" or ", ", ")  # pydantic's list, for every language
        words = texts.text(f"kit.invalid.{error['type']}", language, **facts)
    except LookupError:  # no such text, or a fact that this version of pydantic does not give
        words = str(error["msg"])
    return f"{where}: {words}"


def request_id_of(request: Request) -> str:
    """The request's id, also where an unexpected failure is answered: outside the context that set it."""
    return str(request.scope.get("request_id", request_id.get()))


def new_request_id() -> str:
    return new_id().hex[-12:]
