"""The knowledge base over HTTP: owners and staff ask and read, managers and customer service write."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.foreign_text import Line, Name
from kit.access import STAFF, Principal, Role, Scope
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, RequestLanguage, Session, allow, service
from knowledge import errors
from knowledge.editing import KnowledgeEditor
from knowledge.kinds import Audience, Shelf
from knowledge.repository import ArticleFilter
from knowledge.schemas import (
    ArticleEditIn,
    ArticleIn,
    ArticleLineOut,
    ArticleOut,
    ArticleVersionOut,
    ArticleVoteIn,
    CategoryIn,
    CategoryOut,
    NewCategoryIn,
    VersionIn,
    by_code,
    version_out,
)
from knowledge.service import KnowledgeService
from knowledge.views import Reader
from people.service import PeopleService

STATUS: dict[type[DomainError], int] = {
    errors.ArticleNotFound: 404,
    errors.CategoryNotFound: 404,
    errors.CategoryExists: 409,
    errors.CategoryInUse: 409,
    errors.CategoryCycle: 409,
    errors.StaleArticle: 409,
    errors.NothingToPublish: 409,
    errors.NotPublished: 409,
    errors.CompanyArticle: 403,
    errors.ArticleSiteUnknown: 404,
}

router = APIRouter(prefix="/api/v1/knowledge", tags=["knowledge"])

Knowledge = Annotated[KnowledgeService, Depends(service(KnowledgeService))]
Editor = Annotated[KnowledgeEditor, Depends(service(KnowledgeEditor))]
People = Annotated[PeopleService, Depends(service(PeopleService))]

AUTHORS = (Role.DISPATCHER, Role.MANAGER)
Author = Annotated[Principal, Depends(allow(*AUTHORS))]
Librarian = Annotated[Principal, Depends(allow(Role.MANAGER))]
StaffReader = Annotated[Principal, Depends(allow(*STAFF))]


async def reader_of(session: AsyncSession, people: PeopleService, caller: Principal) -> Reader:
    """Staff read what is at their sites, anybody else what is published for owners at the sites of their homes."""
    if caller.has(*STAFF):
        return Reader(caller.person_id, caller.scope(*STAFF), is_staff=True)
    homes = await people.homes(session, caller.person_id)
    return Reader(caller.person_id, Scope.of(*(home.site_id for home in homes)), is_staff=False)


async def asking(session: Session, people: People, caller: Caller) -> Reader:
    return await reader_of(session, people, caller)


Asking = Annotated[Reader, Depends(asking)]


# --- asking and reading --------------------------------------------------------------------------------------------


@router.get("/search", response_model=list[ArticleLineOut])
async def search_knowledge(
    session: Session, knowledge: Knowledge, reader: Asking, language: RequestLanguage,
    q: Annotated[Name, Query(description="a question in one's own words", examples=["水费怎么交"])],
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> list[ArticleLineOut]:  # fmt: skip
    """Published articles that may answer, best first. A score of 0.37 and more is offered before a report is sent."""
    found = await knowledge.search(session, reader, q, limit=limit)
    return [ArticleLineOut.of_found(one, language) for one in found]


@router.get("/categories", response_model=list[CategoryOut])
async def list_knowledge_categories(session: Session, knowledge: Knowledge, reader: Asking) -> list[CategoryOut]:
    """The category tree, parents by id."""
    return [CategoryOut.of(one) for one in await knowledge.categories(session, reader)]


@router.get("/articles", response_model=Page[ArticleLineOut])
async def list_articles(
    session: Session, knowledge: Knowledge, reader: Asking, language: RequestLanguage, paging: Paging,
    category: Annotated[list[UUID] | None, Query(description="categories, each with its branches")] = None,
    site: UUID | None = None, audience: Audience | None = None, shelf: Shelf | None = None,
    q: Annotated[Line | None, Query(description="part of a title")] = None,
) -> Page[ArticleLineOut]:  # fmt: skip
    """Articles the caller may read, the latest changed first."""
    wanted = ArticleFilter(category_ids=category, site_id=site, audience=audience, shelf=shelf, words=q)
    views, total = await knowledge.find(session, reader, wanted, limit=paging.limit, offset=paging.offset)
    items = [ArticleLineOut.of(view, language) for view in views]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/articles/{article_id}", response_model=ArticleOut)
async def get_article(
    article_id: UUID, session: Session, knowledge: Knowledge, reader: Asking, language: RequestLanguage
) -> ArticleOut:
    """An article: owners read the published version, staff the newest."""
    return ArticleOut.whole(await knowledge.get(session, reader, article_id), language)


@router.put("/articles/{article_id}/vote", response_model=ArticleOut)
async def vote_on_article(
    article_id: UUID,
    body: ArticleVoteIn,
    session: Session,
    knowledge: Knowledge,
    reader: Asking,
    language: RequestLanguage,
) -> ArticleOut:
    """Says whether it helped; each person counts once, with the latest word."""
    view = await knowledge.vote(session, reader, article_id, is_helpful=body.helpful)
    return ArticleOut.whole(view, language)


# --- writing -------------------------------------------------------------------------------------------------------


@router.get("/articles/{article_id}/versions", response_model=list[ArticleVersionOut])
async def list_article_versions(
    article_id: UUID, session: Session, knowledge: Knowledge, caller: StaffReader
) -> list[ArticleVersionOut]:
    """Every version ever saved, newest first, with who saved it and why."""
    return [version_out(one) for one in await knowledge.versions(session, _staff(caller), article_id)]


@router.post("/articles", response_model=ArticleOut, status_code=201)
async def add_article(
    body: ArticleIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Author, language: RequestLanguage
) -> ArticleOut:
    """A draft. One for the whole company wants a role at every site."""
    article_id = await editor.add(session, caller.scope(*AUTHORS), body.draft(), author=caller.person_id)
    return ArticleOut.whole(await knowledge.get(session, _staff(caller), article_id), language)


@router.put("/articles/{article_id}", response_model=ArticleOut)
async def edit_article(
    article_id: UUID, body: ArticleEditIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Author,
    language: RequestLanguage,
) -> ArticleOut:  # fmt: skip
    """A new version. Readers keep the published one until this one is published."""
    await editor.edit(
        session, caller.scope(*AUTHORS), article_id, body.draft(), version=body.version, author=caller.person_id
    )
    return ArticleOut.whole(await knowledge.get(session, _staff(caller), article_id), language)


@router.post("/articles/{article_id}/publish", response_model=ArticleOut)
async def publish_article(
    article_id: UUID, body: VersionIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Author,
    language: RequestLanguage,
) -> ArticleOut:  # fmt: skip
    """The newest version is what readers find from now on."""
    await editor.publish(
        session, caller.scope(*AUTHORS), article_id, version=body.version, author=caller.person_id
    )  # fmt: skip
    return ArticleOut.whole(await knowledge.get(session, _staff(caller), article_id), language)


@router.post("/articles/{article_id}/withdraw", response_model=ArticleOut)
async def withdraw_article(
    article_id: UUID, body: VersionIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Author,
    language: RequestLanguage,
) -> ArticleOut:  # fmt: skip
    """Nobody finds it any more; its versions stay, and it can be published again."""
    await editor.withdraw(
        session, caller.scope(*AUTHORS), article_id, version=body.version, author=caller.person_id
    )  # fmt: skip
    return ArticleOut.whole(await knowledge.get(session, _staff(caller), article_id), language)


@router.post("/categories", response_model=list[CategoryOut], status_code=201)
async def add_knowledge_category(
    body: NewCategoryIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Librarian
) -> list[CategoryOut]:
    """A new branch; the tree as it is then. It is the company's: this wants a role at every site."""
    await editor.add_category(
        session, caller.scope(Role.MANAGER), code=body.code, names=by_code(body.names), parent_id=body.parent_id,
        position=body.position,
    )  # fmt: skip
    return await _tree(session, knowledge, caller)


@router.put("/categories/{category_id}", response_model=list[CategoryOut])
async def change_knowledge_category(
    category_id: UUID, body: CategoryIn, session: Session, knowledge: Knowledge, editor: Editor, caller: Librarian
) -> list[CategoryOut]:
    """Renames a branch or hangs it elsewhere; the tree as it is then."""
    await editor.change_category(
        session, caller.scope(Role.MANAGER), category_id, names=by_code(body.names), parent_id=body.parent_id,
        position=body.position,
    )  # fmt: skip
    return await _tree(session, knowledge, caller)


@router.delete("/categories/{category_id}", status_code=204)
async def remove_knowledge_category(category_id: UUID, session: Session, editor: Editor, caller: Librarian) -> None:
    """Only where nothing hangs on it."""
    await editor.remove_category(session, caller.scope(Role.MANAGER), category_id)


async def _tree(session: AsyncSession, knowledge: KnowledgeService, caller: Principal) -> list[CategoryOut]:
    return [CategoryOut.of(one) for one in await knowledge.categories(session, _staff(caller))]


def _staff(caller: Principal) -> Reader:
    return Reader(caller.person_id, caller.scope(*STAFF), is_staff=True)
