"""Authors write, owners ask, read and vote: over HTTP on a real database, with the demo's articles."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from kit.access import Role
from kit.clock import FakeClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from knowledge import repository
from knowledge.demo import KnowledgeSeed
from knowledge.editing import KnowledgeEditor
from knowledge.endpoints import STATUS, router
from knowledge.models import KnowledgeArticle
from knowledge.service import KnowledgeService
from tests.api import FakeLogins, client_of, make_app
from tests.small_site import SmallSite, settle

SEED = tomllib.loads((Path(__file__).parents[2] / "hub" / "demo" / "knowledge.toml").read_text("utf-8"))
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@dataclass
class Library:
    database: Database
    site: SmallSite
    editor: KnowledgeEditor
    http: httpx.AsyncClient
    logins: FakeLogins

    def as_(self, *roles: Role, site_id: UUID | None = None, who: UUID | None = None) -> dict[str, str]:
        return {"authorization": f"Bearer {self.logins.add(*roles, site_id=site_id, person_id=who)}"}

    async def ask(self, who: dict[str, str], question: str, **more: Any) -> list[dict[str, Any]]:
        answer = await self.http.get("/api/v1/knowledge/search", params={"q": question} | more, headers=who)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def titles(self, who: dict[str, str], question: str) -> list[str]:
        return [one["title"] for one in await self.ask(who, question)]

    async def call(self, method: str, path: str, who: dict[str, str], **body: Any) -> httpx.Response:
        return await self.http.request(method, f"/api/v1/knowledge{path}", headers=who, json=body or None)


@pytest.fixture
async def library(database: Database, outbox: RecordingOutbox) -> AsyncIterator[Library]:
    clock = FakeClock(NOON)
    site = await settle(database, clock)
    editor, logins = KnowledgeEditor(clock), FakeLogins()
    async with database.transaction() as session:
        assert await KnowledgeSeed(editor).load(session, SEED) == len(SEED["articles"])
    app = make_app(
        database, routers=[router], rooms=["knowledge"], services=[KnowledgeService(clock), editor, site.people],
        status=STATUS, logins=logins,
    )  # fmt: skip
    async with client_of(app) as http:
        yield Library(database, site, editor, http, logins)


def draft(category_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "category_id": category_id, "titles": {"zh-CN": "篮球场预约", "en": "Booking the basketball court"},
        "bodies": {"zh-CN": "在公众号“场地”里预约，每户每周两次。"}, "asked": ["打篮球怎么约场地"],
    } | changes  # fmt: skip


async def test_an_article_from_draft_to_votes(library: Library) -> None:
    site_id = library.site.site_id
    owner_id = await library.site.resident("3-2-502")
    author_id = await library.site.staff("管家")
    owner, author = library.as_(Role.OWNER, who=owner_id), library.as_(Role.MANAGER, site_id=site_id, who=author_id)
    tree = (await library.call("GET", "/categories", owner)).json()
    living = next(one["id"] for one in tree if one["code"] == "living")
    root = library.as_(Role.MANAGER)
    tree = (await library.call("POST", "/categories", root, code="sports", names={"zh-CN": "运动"})).json()
    sports = next(one["id"] for one in tree if one["code"] == "sports")

    # A draft is the staff's alone.
    written = await library.call("POST", "/articles", author, **draft(living, site_id=str(site_id)))
    assert (written.status_code, written.json()["shelf"]) == (201, "draft")
    path = f"/articles/{written.json()['id']}"
    assert "篮球场预约" not in await library.titles(owner, "篮球场怎么预约")
    assert (await library.call("GET", path, owner)).status_code == 404
    assert (await library.call("PUT", path + "/vote", author, helpful=True)).status_code == 409

    # Published it is found by its owners' words, in their language, by those of that site only.
    assert (await library.call("POST", path + "/publish", author, version=1)).json()["shelf"] == "published"
    assert (await library.ask(owner, "我想打篮球"))[0]["title"] == "篮球场预约"
    english = owner | {"accept-language": "en"}
    assert (await library.ask(english, "book basketball court"))[0]["title"] == "Booking the basketball court"
    stranger = library.as_(Role.OWNER, who=await library.site.staff("外人", phone=None, wecom=None))
    assert "篮球场预约" not in await library.titles(stranger, "篮球场怎么预约")

    # An edit waits for its publication, and so does whom it is for and where; one with an older look at it is told so.
    edit = draft(
        sports, site_id=str(site_id), bodies={"zh-CN": "每户每周三次。"}, note="放宽次数", version=1, audience="staff"
    )
    edited = (await library.call("PUT", path, author, **edit)).json()
    assert (edited["shelf"], edited["audience"], edited["category_id"]) == ("edited", "staff", sports)
    still = (await library.call("GET", path, owner)).json()
    assert ("两次" in still["body"], still["audience"], still["category_id"]) == (True, "owners", living)
    assert (await library.ask(owner, "我想打篮球"))[0]["title"] == "篮球场预约"
    in_use = await library.call("DELETE", f"/categories/{sports}", root)
    assert (in_use.status_code, in_use.json()["facts"]["articles"]) == (409, 1), "a draft of it is to stand there"
    stale = await library.call("PUT", path, author, **edit)
    assert (stale.status_code, stale.json()["facts"]) == (409, {"given_version": 1, "version": 2})
    await library.call("POST", path + "/publish", author, version=2)
    assert (await library.call("GET", path, owner)).status_code == 404, "it is for staff from now on"
    assert await library.call("PUT", path, author, **edit | {"version": 2, "audience": "owners"})
    await library.call("POST", path + "/publish", author, version=3)
    assert "三次" in (await library.call("GET", path, owner)).json()["body"]
    versions = (await library.call("GET", path + "/versions", author)).json()
    assert [(one["version"], one["note"], one["saved_by"]) for one in versions] == [
        (3, "放宽次数", str(author_id)), (2, "放宽次数", str(author_id)), (1, "", str(author_id)),
    ]  # fmt: skip

    # One vote a person, however often and however many at once: the latest word counts.
    votes = [library.call("PUT", path + "/vote", owner, helpful=True) for _ in range(8)]
    assert {one.status_code for one in await asyncio.gather(*votes)} == {200}
    shown = (await library.call("PUT", path + "/vote", author, helpful=False)).json()
    assert (shown["helpful"], shown["unhelpful"], shown["my_vote"]) == (1, 1, False)
    shown = (await library.call("PUT", path + "/vote", owner, helpful=False)).json()
    assert (shown["helpful"], shown["unhelpful"]) == (0, 2)

    # Withdrawn, nobody finds it.
    assert (await library.call("POST", path + "/withdraw", author, version=3)).json()["shelf"] == "draft"
    assert "篮球场预约" not in await library.titles(owner, "篮球场怎么预约")


async def test_owners_questions_find_the_companys_articles(library: Library) -> None:
    owner = library.as_(Role.OWNER, who=await library.site.resident("3-2-502"))
    found = await library.ask(owner, "水费怎么交")
    assert found[0]["title"] == "水费缴纳方式"
    assert found[0]["score"] >= 0.37
    assert await library.ask(owner, "今天天气怎么样") == []
    assert await library.ask(owner, "怎么") == []
    # What is for staff is never shown to owners.
    title = "客服处理投诉的规范话术"
    assert title not in await library.titles(owner, "投诉话术规范")
    manager = library.as_(Role.MANAGER, site_id=library.site.site_id)
    assert (await library.ask(manager, "投诉话术规范"))[0]["title"] == title

    page = (await library.call("GET", "/articles?limit=500", owner)).json()
    assert page["total"] == len([one for one in SEED["articles"] if one.get("audience") != "staff"])
    tree = {one["code"]: one for one in (await library.call("GET", "/categories", owner)).json()}
    narrowed = (await library.call("GET", f"/articles?category={tree['fees']['id']}", owner)).json()
    assert narrowed["total"] == tree["fees"]["articles"] + tree["utilities"]["articles"] > tree["fees"]["articles"]
    assert (await library.call("GET", "/articles?q=充电桩", owner)).json()["total"] == 1


async def test_who_may_not_write_is_told_why(library: Library) -> None:
    site_id = library.site.site_id
    manager, owner = library.as_(Role.MANAGER, site_id=site_id), library.as_(Role.OWNER)
    admin = library.as_(Role.ADMIN)
    tree = {one["code"]: one["id"] for one in (await library.call("GET", "/categories", manager)).json()}
    body = draft(tree["living"], site_id=str(site_id))

    async def code(who: dict[str, str], **changes: Any) -> tuple[int, str]:
        answer = await library.call("POST", "/articles", who, **(body | changes))
        return answer.status_code, answer.json()["code"]

    assert (await library.call("POST", "/articles", owner, **body)).status_code == 403
    assert await code(manager, site_id=None) == (403, "company_article")
    assert await code(manager, site_id=str(new_id())) == (404, "article_site_unknown")
    assert await code(manager, category_id=str(new_id())) == (404, "category_not_found")
    assert await code(manager, titles={"en": "only English"}) == (422, "invalid_request")
    assert await code(manager, bodies={"zh-CN": " "}) == (422, "invalid_request")
    assert (await library.call("GET", "/search?q=", owner)).status_code == 422

    fees, utilities = tree["fees"], tree["utilities"]
    names = {"names": {"zh-CN": "缴费"}}
    assert (await library.call("PUT", f"/categories/{fees}", manager, **names)).status_code == 403
    assert (await library.call("POST", "/categories", admin, code="fees", **names)).status_code == 409
    circle = await library.call("PUT", f"/categories/{fees}", admin, parent_id=utilities, **names)
    assert (circle.status_code, circle.json()["code"]) == (409, "category_cycle")
    assert (await library.call("DELETE", f"/categories/{fees}", admin)).json()["facts"] == {
        "articles": 3,
        "branches": 1,
    }
    assert (await library.call("POST", "/categories", admin, code="sport", **names)).status_code == 201
    tree = {one["code"]: one["id"] for one in (await library.call("GET", "/categories", manager)).json()}
    assert (await library.call("DELETE", f"/categories/{tree['sport']}", admin)).status_code == 204


async def test_a_better_table_of_words_reads_published_articles_anew(library: Library) -> None:
    async with library.database.transaction() as session:
        row = await repository.article_by_key(session, "water-fee")
        assert row is not None
        row.grams, row.wording, water_fee = [], 0, row.id
    async with library.database.transaction() as session:
        await library.editor.refresh(session)
    async with library.database.transaction() as session:
        assert "水费" in (await session.get_one(KnowledgeArticle, water_fee)).grams
        assert await KnowledgeSeed(library.editor).load(session, SEED) == 0
