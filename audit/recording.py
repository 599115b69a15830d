"""Writing records: one a request by itself, and those that somebody asks for."""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit.chain import detail_digest
from audit.models import AuditDetail, AuditRecord
from audit.watching import HIDDEN, Seen, is_secret, plain
from kit.access import Principal
from kit.clock import Clock
from kit.deeds import Deed, current_deed
from kit.ids import new_id

SALT_BYTES = 16


class Whereabouts(Protocol):
    """Knows at which sites somebody is known."""

    async def sites_of(self, session: AsyncSession, person_id: UUID, /) -> Collection[UUID]: ...


class RequestJournal:
    """Implements `kit.deeds.Journal`: a record for each request that may have changed something."""

    def __init__(self, clock: Clock, personal: frozenset[tuple[str, str]], whereabouts: Whereabouts) -> None:
        """`personal`: columns, as (table, column), whose values are not written down."""
        self._clock = clock
        self._personal = personal
        self._whereabouts = whereabouts

    def watch(self, session: AsyncSession) -> Seen:
        return Seen.of(session, self._personal)

    async def keep(self, session: AsyncSession, deed: Deed, seen: Seen | None) -> None:
        """Writes down who did what by which route, and every row that became another; of a reading, what was asked."""
        seen = seen or Seen(session.sync_session)
        seen.stop()
        kind, about = _about(deed, seen)
        facts: dict[str, Any] = {"rows": seen.rows()}
        if deed.query:
            facts["asked"] = plain(deed.query)
        if seen.left_out:
            facts["left_out"] = seen.left_out
        _add(
            session, deed, at=self._clock.now(), action=deed.action, actor_id=deed.caller_id, kind=kind, about=about,
            touched={*seen.ids, *_named(deed).values()}, site_id=_site_of(deed, seen), facts=facts,
            people=seen.people, sites=await self._sites(session, kind, about),
        )  # fmt: skip
        await session.flush()

    async def _sites(self, session: AsyncSession, kind: str | None, about: str | None) -> Collection[UUID]:
        """What is done to a person concerns every site where they are known; anything else is of one site."""
        if kind != "person" or about is None:
            return ()
        try:
            return await self._whereabouts.sites_of(session, UUID(about))
        except ValueError:
            return ()


def record(
    session: AsyncSession, *, at: datetime, action: str, kind: str, about: object | None, site_id: UUID | None = None,
    actor_id: UUID | None = None, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
    people: Collection[UUID] = (),
) -> None:  # fmt: skip
    """Writes down what no request's own record says: a reading that is itself a deed (a phone shown, an export), a
    log-in, what the hub does by itself.

    `about` is the id of the object, `people` whose personal values `before` and `after` hold. `actor_id`: by default
    the caller of the request.
    """
    deed = current_deed.get()
    facts = {"before": plain(before or {}), "after": plain(after or {})}
    _add(
        session, deed, at=at, action=action, actor_id=actor_id or (deed.caller_id if deed else None), kind=kind,
        about=None if about is None else str(about),
        touched={str(person) for person in people} | (set() if about is None else {str(about)}),
        site_id=site_id, facts=facts, people={str(person) for person in people},
    )  # fmt: skip


def is_recorded(session: AsyncSession) -> bool:
    """Whether this session's changes are written down by themselves, because a request makes them."""
    deed = current_deed.get()
    return deed is not None and deed.session is session


def _add(
    session: AsyncSession, deed: Deed | None, *, at: datetime, action: str, actor_id: UUID | None, kind: str | None,
    about: str | None, touched: Collection[str], site_id: UUID | None, facts: Mapping[str, Any],
    people: Collection[str], sites: Collection[UUID] = (),
) -> None:  # fmt: skip
    record_id, origin_salt, facts_salt = new_id(), secrets.token_hex(SALT_BYTES), secrets.token_hex(SALT_BYTES)
    origin = _text(_origin(deed))
    told = _text(facts)
    session.add(
        AuditRecord(
            id=record_id, at=at, action=action, actor_id=actor_id, roles=_roles(deed.caller if deed else None),
            object_kind=kind, object_id=about, touched=sorted(touched), site_id=site_id,
            also_at=sorted(str(one) for one in sites if one != site_id),
            request_id=deed.request_id if deed else None, origin_digest=detail_digest(origin, origin_salt),
            facts_digest=detail_digest(told, facts_salt),
        )
    )  # fmt: skip
    session.add(
        AuditDetail(
            record_id=record_id, origin=origin, origin_salt=origin_salt, facts=told, facts_salt=facts_salt,
            people=sorted(people), is_sealed=False,
        )
    )  # fmt: skip


def _origin(deed: Deed | None) -> dict[str, str]:
    if deed is None:
        return {}
    agent = hashlib.sha256(deed.agent.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = deed.path
    for name, value in deed.parameters.items():
        path = path.replace(str(value), HIDDEN) if is_secret(name) else path
    return {"address": deed.address, "agent": agent, "method": deed.method, "path": path}


def _about(deed: Deed, seen: Seen) -> tuple[str | None, str | None]:
    """The object of a route is the first that its path names; of one that makes something, what it made."""
    for name, value in _named(deed).items():
        return name.removesuffix("_id"), value
    return seen.first


def _named(deed: Deed) -> dict[str, str]:
    """What the path names, without the tokens of links: whoever has one is let in."""
    return {name: str(value) for name, value in deed.parameters.items() if not is_secret(name)}


def _site_of(deed: Deed, seen: Seen) -> UUID | None:
    if seen.site_id is not None:
        return seen.site_id
    for named in (deed.parameters.get("site_id"), deed.query.get("site_id"), deed.query.get("site")):
        with contextlib.suppress(ValueError):
            return UUID(str(named))
    if deed.caller is None:
        return None
    sites = {grant.site_id for grant in deed.caller.grants}
    return sites.pop() if len(sites) == 1 else None


def _roles(caller: Principal | None) -> list[str]:
    return sorted({grant.role.value for grant in caller.grants}) if caller else []


def _text(facts: Mapping[str, Any]) -> str:
    # JSON writes a NUL so that none is there; half a surrogate pair is nothing that PostgreSQL would keep.
    told = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return told.encode("utf-8", "replace").decode()
