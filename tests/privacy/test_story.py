"""One owner's data through its whole life: bound, reported, photographed, rated, shown, and erased without a trace."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import text, update

from audit.verification import verify
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from notify.service import Notice
from notify.template import TemplateRegistry
from people.models import Account, Person, RoleGrant
from people.tokens import Claims, TokenUse, sign
from tests.hub.whole_app import A_DAY, WholeApp, whole_app
from ticketing.charging.models import Quotation
from ticketing.events import PicturesErased
from ticketing.models import Report, WorkOrder
from ticketing.working.models import CheckIn

NAME, PHONE, OPENID, WORDS = "田小满", "13655557777", "o-tianxiaoman-7777", "主卧漏水 钥匙在门垫下"
SECRETS = (NAME, PHONE, OPENID, WORDS, "师傅很好 孩子也喜欢他")
API = "/api/v1"


async def owner_of(hub: WholeApp) -> tuple[UUID, str]:
    """A bound owner with a login, and a token of theirs."""
    room = next(iter(hub.here.rooms))
    person_id = await hub.here.resident(room, name=NAME, phone=PHONE, openid=OPENID)
    async with hub.database.transaction() as session:
        account = Account(person_id=person_id, username=PHONE, password_hash="-", token_epoch=0)
        session.add(account)
        session.add(RoleGrant(person_id=person_id, role=Role.OWNER.value, site_id=hub.here.site_id))
        await session.flush()
        claims = Claims(account.id, account.token_epoch, TokenUse.ACCESS)
    return person_id, sign(claims, secret=hub.secret, now=hub.clock.now(), lifetime=A_DAY)


def picture() -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (80, 60), "navy").save(packed, "JPEG")
    return packed.getvalue()


async def lived(hub: WholeApp, owner: httpx.AsyncClient, person_id: UUID) -> tuple[str, UUID]:
    """A report with a picture, work that is done, a rating, and a message about it; the order and the picture."""
    body = {"text": WORDS, "send_anyway": True, "client_key": "one"}
    answer = await owner.post(f"{API}/my/reports", json=body)
    assert answer.status_code in (200, 201), answer.text
    async with hub.database.transaction() as session:
        report = (await session.execute(text("SELECT id, work_order_id FROM report"))).one()
        photo = await hub.rooms.ticketing.attaching.attach_to_report(
            session, report.id, raw=picture(), added_by=person_id, reporter_id=person_id
        )
        done = hub.clock.now()
        await session.execute(
            update(WorkOrder)
            .where(WorkOrder.id == report.work_order_id)
            .values(state="done", done_at=done, responded_at=done)
        )
        facts = dict.fromkeys(TemplateRegistry.load().get("work_order.done").facts, NAME)
        notice = Notice(
            key="test/one", person_id=person_id, site_id=hub.here.site_id, template="work_order.done", facts=facts
        )
        await hub.rooms.notify.service.tell(session, notice)
    rated = await owner.post(
        f"{API}/my/reports/{report.id}/rating",
        json={"speed": 5, "attitude": 5, "quality": 4, "words": "师傅很好 孩子也喜欢他"},
    )
    assert rated.status_code in (200, 201), rated.text
    return str(report.work_order_id), photo.id


async def signed(hub: WholeApp, person_id: UUID, order_id: UUID) -> UUID:
    """A quotation that they pay, signed at the door; the picture of the signature."""
    async with hub.database.transaction() as session:
        report_id = await session.scalar(text("SELECT id FROM report"))
        kept = await hub.rooms.ticketing.attaching.attach_to_report(
            session, report_id, raw=picture(), added_by=person_id, reporter_id=person_id
        )
        kept.report_id, kept.purpose = None, "signature"
        await session.flush()
        now = hub.clock.now()
        session.add(
            Quotation(
                site_id=hub.here.site_id, work_order_id=order_id, number=1, state="approved", payer="owner",
                payer_id=person_id, items=[], total=1, why_asked=[], made_at=now, expires_at=now, decided_at=now,
                decided_how="signature", signature_id=kept.id,
            )
        )  # fmt: skip
        return kept.id


async def everything(database: Database) -> str:
    """Every row of every table as text."""
    async with database.transaction() as session:
        names = await session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'answered_request'")
        )
        rows = [(await session.execute(text(f'SELECT t::text FROM "{name}" t'))).scalars().all() for name in names]
    return "\n".join(row for table in rows for row in table)


async def figures(hub: WholeApp, manager: httpx.AsyncClient) -> Any:
    answer = await manager.get(f"{API}/work-orders/counts")
    async with hub.database.transaction() as session:
        ratings = (await session.execute(text("SELECT speed, attitude, quality, person_id FROM order_rating"))).all()
        orders = (await session.execute(text("SELECT id, state, opened_at, done_at, cost FROM work_order"))).all()
        told = (await session.execute(text("SELECT channel, template, state FROM notification ORDER BY id"))).all()
    return answer.json(), ratings, orders, told


async def test_an_owner_sees_everything_has_it_erased_and_the_figures_stay(
    database: Database, outbox: RecordingOutbox, tmp_path: Path
) -> None:
    async with whole_app(database, outbox, tmp_path) as hub:
        person_id, token = await owner_of(hub)
        stranger = hub.client(await hub.token(Role.MANAGER))
        async with hub.client(token) as owner, hub.client(await hub.token(Role.ADMIN)) as admin, stranger as manager:
            order_id, photo_id = await lived(hub, owner, person_id)
            await consents(owner)
            data = f"{API}/privacy/people/{person_id}"
            assert (await manager.get(f"{data}/export")).status_code == 404
            assert (await admin.get(f"{API}/privacy/people/{new_id()}/export")).status_code == 404
            await shown(await owner.get(f"{data}/export"), photo_id)

            refused = await owner.post(f"{data}/erase")
            assert (refused.status_code, refused.json()["code"]) == (409, "erasure_refused")
            assert refused.json()["facts"]["duties"][0]["reason"] == "open_order"
            async with database.transaction() as session:
                await session.execute(
                    update(WorkOrder).values(state="closed", settled_at=hub.clock.now(), confirmed_at=hub.clock.now())
                )
            signature_id = await signed(hub, person_id, UUID(order_id))
            assert list(tmp_path.rglob(f"{signature_id.hex}*")) != []
            before = await figures(hub, manager)
            held = await everything(database)
            assert [secret for secret in SECRETS if secret not in held] == [], "it is there to be erased"
            erased = await admin.post(f"{data}/erase")
            assert erased.status_code == 200, erased.text
            assert erased.json()["rows"]["report"] == 1
            assert erased.json()["rows"]["wechat_identity"] == 1

            left = await everything(database)
            assert [secret for secret in SECRETS if secret in left] == []
            assert list(tmp_path.rglob(f"{photo_id.hex}*")) != [], "what may still be rolled back loses no file"
            async with database.transaction() as session:
                for event in outbox.of(PicturesErased) * 2:  # as jobs do: after the commit, and once more
                    await hub.rooms.ticketing.attaching.on_pictures_erased(session, event)
            assert list(tmp_path.rglob(f"{photo_id.hex}*")) == [], "the picture is gone, not only its row"
            assert list(tmp_path.rglob(f"{signature_id.hex}*")) == [], "and so is the signature"
            assert await figures(hub, manager) == before
            assert (await owner.get(f"{API}/auth/me")).status_code == 401, "the login is gone with the rest"
            page = (await manager.get(f"{API}/work-orders/{order_id}")).json()
            assert page["report_list"][0]["text"] == "—"
            asked = (await admin.get(f"{API}/privacy/requests")).json()
            assert [(each["kind"], each["person_id"]) for each in asked] == [
                ("erasure", str(person_id)), ("export", str(person_id)),
            ]  # fmt: skip
            await hub.seal()
            async with database.transaction() as session:
                assert (await verify(session, hub.clock)).is_whole


async def consents(owner: httpx.AsyncClient) -> None:
    purposes = {each["code"]: each for each in (await owner.get(f"{API}/privacy/purposes")).json()}
    assert purposes["property_service"]["basis"] == "contract"
    version = purposes["community_news"]["version"]
    body = {"purpose": "community_news", "version": version, "channel": "wechat"}
    given = [await owner.post(f"{API}/privacy/consents", json=body) for _ in range(2)]
    assert [answer.status_code for answer in given] == [201, 201]
    assert given[0].json() == given[1].json(), "to agree twice is to agree once"
    older = await owner.post(f"{API}/privacy/consents", json=body | {"version": version + 1})
    assert (older.status_code, older.json()["code"]) == (409, "consent_outdated")
    contract = await owner.post(f"{API}/privacy/consents", json=body | {"purpose": "billing"})
    assert (contract.status_code, contract.json()["facts"]["known"]) == (
        422, ["satisfaction_survey", "community_news"],
    )  # fmt: skip
    withdrawn = await owner.post(f"{API}/privacy/consents/community_news/withdraw")
    assert withdrawn.json()["withdrawn_at"]
    assert (await owner.post(f"{API}/privacy/consents/community_news/withdraw")).status_code == 409
    assert len((await owner.get(f"{API}/privacy/consents")).json()) == 1


async def shown(answer: httpx.Response, photo_id: UUID) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        document = json.loads(packed.read("data.json"))
        assert packed.read(f"ticketing/{photo_id.hex}.jpg").startswith(b"\xff\xd8")
    rooms = document["rooms"]
    assert rooms["people"]["person"][0]["phone"] == PHONE
    assert rooms["people"]["wechat_identity"][0]["openid"] == OPENID
    assert "password_hash" not in rooms["people"]["account"][0]
    assert rooms["ticketing"]["report"][0]["text"] == WORDS
    shown_of_order = {"number", "kind", "category", "place", "state", "opened_at", "form"}
    assert [set(order) for order in rooms["ticketing"]["work_order"]] == [shown_of_order]
    assert "complaint_subject" not in rooms["ticketing"]
    assert rooms["ticketing"]["order_rating"][0]["quality"] == 4
    assert document["consents"][0]["purpose"] == "community_news"


async def test_staff_are_kept_by_their_role_and_old_data_goes_by_itself(
    database: Database, outbox: RecordingOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.service.ROWS_AT_ONCE", 2)
    async with whole_app(database, outbox, tmp_path) as hub:
        async with hub.client(await hub.token(Role.ENGINEER)) as engineer:
            own = (await engineer.get(f"{API}/auth/me")).json()["person_id"]
            refused = await engineer.post(f"{API}/privacy/people/{own}/erase")
            assert refused.json()["facts"]["duties"] == [{"reason": "employed", "about": "engineer", "until": None}]
            retention = {each["kind"]: each["days"] for each in (await engineer.get(f"{API}/privacy/retention")).json()}
        person_id, token = await owner_of(hub)
        async with hub.client(token) as owner:
            await owner.post(f"{API}/my/reports", json={"text": WORDS, "send_anyway": True})
        now = hub.clock.now()
        async with database.transaction() as session:
            report = (await session.execute(text("SELECT id, work_order_id FROM report"))).one()
            for days in (retention["locations"] + beyond for beyond in (-1, 1, 2, 3)):
                place = {"latitude": 30.1, "longitude": 120.2, "accuracy_m": 9, "how": "gps", "place_kept": "kept"}
                at = {"at": now - timedelta(days=days), "site_id": hub.here.site_id}
                session.add(CheckIn(work_order_id=report.work_order_id, person_id=person_id, **place, **at))
            long_ago = now - timedelta(days=retention["report_contacts"] + 1)
            await session.execute(update(Report).values(contact_name=NAME, contact_phone=PHONE, created_at=long_ago))
        is_left = []
        for _ in range(3):
            async with database.transaction() as session:
                is_left.append(await hub.rooms.privacy.service.forget(session))
        assert is_left == [True, False, False], "no more than so many rows in one transaction"
        async with database.transaction() as session:
            places = (await session.execute(text("SELECT latitude FROM check_in ORDER BY at"))).scalars().all()
            contacts = (await session.execute(text("SELECT contact_name, contact_phone, text FROM report"))).one()
            assert (await session.get(Person, person_id)) is not None
        assert (places, tuple(contacts)) == ([None, None, None, 30.1], (None, None, WORDS))
        counted = hub.rooms.privacy.service._forgotten.labels("locations")._value.get()
        assert counted == 3, "once, however often the sweep comes by"
