"""What is never written down: secrets, and values that are erased or grow old where they are."""

import json
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from audit.changes import changes_since
from audit.models import AuditDetail
from audit.recording import RequestJournal, record
from audit.watching import HIDDEN, Seen, is_secret, plain
from catalog.service import CatalogService
from kit.clock import SystemClock
from kit.db import Database
from kit.deeds import Deed
from kit.ids import new_id
from people.models import Person
from people.service import PeopleService
from privacy.columns import let_go_of
from ticketing.models import Report
from ticketing.working.models import CheckIn

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def seen_of(person: Person) -> Seen:
    seen = Seen(AsyncSession().sync_session, let_go_of())
    seen._see(person, before={"name": "钱进", "is_active": True}, after={"name": "钱进宝", "is_active": False})
    return seen


def test_of_a_personal_value_only_that_it_changed_is_told() -> None:
    (row,) = seen_of(Person(id=new_id(), kind="staff", name="钱进宝")).rows()
    assert (row["before"], row["after"]) == (
        {"name": HIDDEN, "is_active": True}, {"name": HIDDEN, "is_active": False},
    )  # fmt: skip


async def test_what_is_let_go_of_never_reaches_the_audit(database: Database) -> None:
    journal = RequestJournal(SystemClock(), let_go_of(), PeopleService(CatalogService({}), SystemClock()))
    async with database.transaction() as session:
        seen = journal.watch(session)
        session.add(Person(kind="staff", name="田小满", phone="13655557777"))
        await session.flush()
        await session.execute(update(Report).values(contact_name="田小满").where(Report.contact_phone == "13655557777"))
        await session.execute(update(CheckIn).values(latitude=30.123, place_kept="kept"))
        told = json.dumps(seen.rows(), ensure_ascii=False)
        await journal.keep(session, Deed("POST", "/", "r", "10.1.2.3", "desk"), seen)
    assert [word for word in ("田小满", "5557777", "30.123") if word in told] == []
    assert '"place_kept": "kept"' in told


def test_digests_keys_and_the_paths_of_addresses_are_secrets() -> None:
    assert all(is_secret(name) for name in ("code_digest", "code_digest_1", "api_key"))
    assert not is_secret("code")
    told = plain({"url": "https://me:pass@example.com:8443/hook/letmein?key=1", "name": "CRM"})
    assert told == {"url": "https://example.com", "name": "CRM"}


async def test_only_the_things_own_row_is_among_its_changes(database: Database) -> None:
    own, other = str(new_id()), UUID(int=7)
    rows = [{"table": "t", "id": each, "before": {"name": each, "version": 1}, "after": {"name": "x", "version": 2}}
            for each in (own, str(other))]  # fmt: skip
    async with database.transaction() as session:
        record(session, at=NOW, action="a.b", kind="t", about=own, people=[other])
        await session.flush()
        await session.execute(update(AuditDetail).values(facts=json.dumps({"rows": rows})))
        found = await changes_since(session, own, version=1)
    assert [change.before for change in found] == [{"name": own}]
