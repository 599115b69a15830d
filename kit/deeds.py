"""What a request does: one transaction around it, written down by a journal, answered once a key.

A request that may change something (POST, PUT, PATCH, DELETE) gets a session here, before its endpoint runs, and is
committed after its answer is made and before it is sent. So what the journal writes of it and the answer that is kept
under its `Idempotency-Key` stand or fall with the work itself, whichever room the route is of.

A request has one connection to the database and no more: what must be read for a refusal is read over it, and what a
refused request leaves behind is written when it has given it back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.access import Authenticator, NotAuthenticated, Principal
from kit.answers import KEY_HEADER, Answer, AnswerBook, Ticket, check_key, fingerprint, ticket_of
from kit.bodies import Body, BodyLimits, read_body
from kit.db import Database
from kit.errors import DomainError

# What routes call the part of their path that opens them to whoever holds it.
LINK_PARAMETER = "token"
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Work = Callable[[AsyncSession], Awaitable[None]]


@dataclass
class Deed:
    """One request: who asks, from where, and by which route. Filled in while it is worked on."""

    method: str
    path: str
    request_id: str
    address: str
    agent: str
    session: AsyncSession | None = None
    caller: Principal | None = None
    # Has anything been asked of the session? Where not, nothing can have been changed.
    is_used: bool = False
    changes_nothing: bool = False
    # A reading that is itself a deed: an export, a phone number shown.
    is_told: bool = False
    # What is done when the work is committed or undone, in a transaction of its own.
    afterwards: list[Work] = field(default_factory=list, repr=False)
    # The request's own, which knows its route once that is found.
    scope: Scope = field(default_factory=dict, repr=False)

    @property
    def action(self) -> str:
        """The name of what the route does: its room and its function, as `people.set_roles`."""
        endpoint = self.scope.get("endpoint")
        module, name = getattr(endpoint, "__module__", ""), getattr(endpoint, "__name__", "unknown")
        return f"{module.split('.')[0]}.{name}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the path names, by the names of the route."""
        return dict(self.scope.get("path_params") or {})

    @property
    def query(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))

    @property
    def caller_id(self) -> UUID | None:
        return self.caller.person_id if self.caller else None


current_deed: ContextVar[Deed | None] = ContextVar("current_deed", default=None)


async def do_though_refused(database: Database, work: Work) -> None:
    """Does what must stay though the request is refused and rolled back: in a transaction of its own, after the
    request has given its connection back. Outside of a request at once."""
    deed = current_deed.get()
    if deed is not None and deed.session is not None:
        deed.afterwards.append(work)
        return
    async with database.transaction() as session:
        await work(session)


class Journal(Protocol):
    """Writes down what requests change. The audit room is one."""

    def watch(self, session: AsyncSession) -> object:
        """Begins to look at what happens in this session; the answer is handed to `keep`."""
        ...

    async def keep(self, session: AsyncSession, deed: Deed, seen: Any) -> None:
        """Writes down what was done, in the same transaction. `seen` is None for a reading."""
        ...


@dataclass
class _Kept:
    """An answer on its way out, held back until what it says is committed."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return next((one["status"] for one in self.messages if one["type"] == "http.response.start"), 500)

    def answer(self) -> Answer:
        headers = Headers(raw=next(one["headers"] for one in self.messages if one["type"] == "http.response.start"))
        body = b"".join(one.get("body", b"") for one in self.messages if one["type"] == "http.response.body")
        return Answer.of(self.status, headers, body)

    async def release(self, send: Send) -> None:
        for message in self.messages:
            await send(message)


class Deeds:
    """The middleware. Services are found where endpoints find theirs: an app without a database is let alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deed = _deed_of(scope)
        token = current_deed.set(deed)
        try:
            if deed.method in CHANGING:
                await self._read_and_change(deed, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            current_deed.reset(token)

    async def _read_and_change(self, deed: Deed, scope: Scope, receive: Receive, send: Send) -> None:
        services = _services(scope)
        try:
            body = await read_body(receive, Headers(scope=scope), services.get(BodyLimits, BodyLimits()))
        except ClientDisconnect:
            return
        except DomainError as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        with body:
            if Database in services:
                await self._change(deed, body, scope, receive, send)
            else:
                await self._app(scope, body.as_received(receive), send)

    async def _change(self, deed: Deed, body: Body, scope: Scope, receive: Receive, send: Send) -> None:
        kept = _Kept()
        database: Database = _services(scope)[Database]
        again = body.as_received(receive)
        try:
            async with database.transaction() as session:
                deed.session = session
                ticket = await self._ticket(session, deed, scope, body)
                if ticket is None:
                    await self._do(session, deed, scope, again, kept)
                else:
                    await self._do_once(session, deed, ticket, scope, again, kept)
        except _Undone:
            pass  # refused, rolled back, and still to be answered
        except DomainError as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        await _do_the_rest(database, deed)
        await kept.release(send)

    async def _do(self, session: AsyncSession, deed: Deed, scope: Scope, receive: Receive, kept: _Kept) -> None:
        await self._work(session, deed, scope, receive, kept)
        if kept.status >= 400:
            raise _Undone

    async def _do_once(
        self, session: AsyncSession, deed: Deed, ticket: Ticket, scope: Scope, receive: Receive, kept: _Kept
    ) -> None:
        """Answers what was answered before; else works in a savepoint, so that a refusal can be kept, too."""
        book: AnswerBook = _services(scope)[AnswerBook]
        known = await book.take(session, ticket)
        if known is not None:
            await known.send(kept.send)
            return
        savepoint = await session.begin_nested()
        await self._work(session, deed, scope, receive, kept)
        if kept.status >= 500:
            raise _Undone
        if kept.status >= 400:
            await savepoint.rollback()
        else:
            await savepoint.commit()
        answer = kept.answer()
        if answer.is_final:
            await book.keep(session, ticket, answer)

    async def _work(self, session: AsyncSession, deed: Deed, scope: Scope, receive: Receive, kept: _Kept) -> None:
        journal: Journal | None = _services(scope).get(Journal)
        seen = None if journal is None else journal.watch(session)
        await self._app(scope, receive, kept.send)
        if journal is None or kept.status >= 400 or deed.changes_nothing or not deed.is_used:
            return
        await session.flush()
        await journal.keep(session, deed, seen)

    async def _ticket(self, session: AsyncSession, deed: Deed, scope: Scope, body: Body) -> Ticket | None:
        """Under which name the answer is kept; None where the request brings no key, or a token that is not good."""
        headers = Headers(scope=scope)
        key = headers.get(KEY_HEADER)
        if key is None or AnswerBook not in _services(scope):
            return None
        check_key(key)
        what = await _what(deed, scope, body)
        who = await _who(session, deed, scope, headers)
        return None if who is None else ticket_of(caller=who, key=key, what=what)


class _Undone(Exception):
    """The answer stands and the work does not: leaves the transaction by way of its rollback."""


def _deed_of(scope: Scope) -> Deed:
    client = scope.get("client")
    return Deed(
        method=scope["method"], path=scope["path"], request_id=str(scope.get("request_id", "")),
        address=client[0] if client else "", agent=Headers(scope=scope).get("user-agent", ""), scope=scope,
    )  # fmt: skip


def _services(scope: Scope) -> Mapping[Any, Any]:
    found: Mapping[Any, Any] = getattr(scope["app"].state, "services", {})
    return found


async def _who(session: AsyncSession, deed: Deed, scope: Scope, headers: Headers) -> str | None:
    """Whose key it is: the person's, the link's that lets them in without a log-in, else the place's that asks,
    for what lies at that path."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        # Who holds a link stays who they are when their phone changes from one network to another.
        return f"link {deed.path}" if _is_opened_by_link(scope) else f"{deed.address} {deed.path}"
    authenticator: Authenticator = _services(scope)[Authenticator]
    try:
        return str((await authenticator.authenticate(session, token)).person_id)
    except NotAuthenticated:
        return None


def _is_opened_by_link(scope: Scope) -> bool:
    """Whether the path itself names a signed link: nobody else asks there."""
    found = (route.matches(scope) for route in scope["app"].router.routes)
    first: Mapping[str, Any] = next((child for match, child in found if match is Match.FULL), {})
    return LINK_PARAMETER in first.get("path_params", {})


async def _what(deed: Deed, scope: Scope, body: Body) -> str:
    content = Headers(scope=scope).get("content-type", "")

    def digest() -> str:
        query = scope.get("query_string", b"")
        return fingerprint(deed.method, deed.path, query, content_type=content, body=body.parts())

    return await asyncio.to_thread(digest) if body.is_large else digest()


async def _do_the_rest(database: Database, deed: Deed) -> None:
    if not deed.afterwards:
        return
    deed.session = None
    async with database.transaction() as session:
        for work in deed.afterwards:
            await work(session)


async def _refuse(refusal: DomainError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as the application answers a refusal; outside of it nobody else would."""
    handler = scope["app"].exception_handlers[DomainError]
    response = await handler(Request(scope, receive), refusal)
    await response(scope, receive, send)
