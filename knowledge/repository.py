"""The queries of the knowledge base."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.i18n import Language
from knowledge.kinds import Audience, Shelf
from knowledge.models import KnowledgeArticle, KnowledgeCategory, KnowledgeVersion, KnowledgeVote

# More articles than this share a letter with a question only where the base is far larger than any we know of.
MOST_CANDIDATES = 1000
_PUBLISHED = KnowledgeArticle.published_version.is_not(None)


@dataclass(frozen=True)
class ArticleFilter:
    """What a list of articles is narrowed by; None leaves open. `words`: part of a title."""

    category_ids: Collection[UUID] | None = None
    site_id: UUID | None = None
    audience: Audience | None = None
    shelf: Shelf | None = None
    words: str | None = None


# --- categories ----------------------------------------------------------------------------------------------------


async def categories(session: AsyncSession) -> Sequence[KnowledgeCategory]:
    found = await session.scalars(
        select(KnowledgeCategory).order_by(KnowledgeCategory.position, KnowledgeCategory.code)
    )
    return found.all()


async def lock_categories(session: AsyncSession) -> None:
    """One change of the tree at a time: two could make a circle together that neither makes alone."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('knowledge_category', 0))"))


async def category(session: AsyncSession, category_id: UUID) -> KnowledgeCategory | None:
    return await session.get(KnowledgeCategory, category_id)


async def category_by_code(session: AsyncSession, code: str) -> KnowledgeCategory | None:
    return await session.scalar(select(KnowledgeCategory).where(KnowledgeCategory.code == code))


async def counts_by_category(session: AsyncSession, seen: ColumnElement[bool]) -> dict[UUID, int]:
    rows = await session.execute(
        select(KnowledgeArticle.category_id, func.count()).where(seen).group_by(KnowledgeArticle.category_id)
    )
    return dict(rows.all())


async def hanging_on(session: AsyncSession, category_id: UUID) -> tuple[int, int]:
    """Articles that stand in a category, or will by their newest version; and its branches."""
    drafted = select(KnowledgeVersion.article_id).where(
        KnowledgeVersion.article_id == KnowledgeArticle.id,
        KnowledgeVersion.version == KnowledgeArticle.version,
        KnowledgeVersion.category_id == category_id,
    )
    stands = or_(KnowledgeArticle.category_id == category_id, drafted.exists())
    articles = select(func.count()).select_from(KnowledgeArticle).where(stands).scalar_subquery()
    branches = select(func.count()).where(KnowledgeCategory.parent_id == category_id).scalar_subquery()
    row = (await session.execute(select(articles, branches))).one()
    return row[0], row[1]


# --- articles ------------------------------------------------------------------------------------------------------


def readable(scope: Scope, *, is_staff: bool) -> ColumnElement[bool]:
    """What somebody may read: staff all of the company's and their sites', owners what is published for them."""
    here = or_(KnowledgeArticle.site_id.is_(None), scope.where(KnowledgeArticle.site_id))
    if is_staff:
        return here
    return and_(here, _PUBLISHED, KnowledgeArticle.audience == Audience.OWNERS)


async def article(session: AsyncSession, seen: ColumnElement[bool], article_id: UUID) -> KnowledgeArticle | None:
    return await session.scalar(select(KnowledgeArticle).where(KnowledgeArticle.id == article_id, seen))


async def lock_article(session: AsyncSession, seen: ColumnElement[bool], article_id: UUID) -> KnowledgeArticle | None:
    return await session.scalar(
        select(KnowledgeArticle)
        .where(KnowledgeArticle.id == article_id, seen)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def article_by_key(session: AsyncSession, key: str) -> KnowledgeArticle | None:
    return await session.scalar(select(KnowledgeArticle).where(KnowledgeArticle.key == key))


async def articles(
    session: AsyncSession, seen: ColumnElement[bool], article_ids: Collection[UUID]
) -> dict[UUID, KnowledgeArticle]:
    rows = await session.scalars(select(KnowledgeArticle).where(KnowledgeArticle.id.in_(article_ids), seen))
    return {row.id: row for row in rows}


async def find(
    session: AsyncSession, seen: ColumnElement[bool], wanted: ArticleFilter, *, limit: int, offset: int
) -> tuple[Sequence[KnowledgeArticle], int]:
    """One page, the latest changed first, and how many match in all."""
    narrowed = _narrowed(select(KnowledgeArticle), seen, wanted)
    total = await session.scalar(_narrowed(select(func.count()).select_from(KnowledgeArticle), seen, wanted))
    page = narrowed.order_by(KnowledgeArticle.updated_at.desc(), KnowledgeArticle.id).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


async def outdated(session: AsyncSession, *, wording: int, limit: int) -> Sequence[KnowledgeArticle]:
    """Published articles whose grams were taken by another table of words."""
    found = await session.scalars(
        select(KnowledgeArticle)
        .where(_PUBLISHED, KnowledgeArticle.wording != wording)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


# --- versions ------------------------------------------------------------------------------------------------------


async def version(session: AsyncSession, article_id: UUID, number: int) -> KnowledgeVersion:
    return await session.get_one(KnowledgeVersion, (article_id, number))


async def versions(session: AsyncSession, article_id: UUID) -> Sequence[KnowledgeVersion]:
    """Newest first."""
    found = await session.scalars(
        select(KnowledgeVersion)
        .where(KnowledgeVersion.article_id == article_id)
        .order_by(KnowledgeVersion.version.desc())
    )
    return found.all()


async def shown_versions(
    session: AsyncSession, article_ids: Collection[UUID], *, published: bool
) -> dict[UUID, KnowledgeVersion]:
    """Of each article the published version, or the newest."""
    number = KnowledgeArticle.published_version if published else KnowledgeArticle.version
    rows = await session.scalars(
        select(KnowledgeVersion)
        .join(
            KnowledgeArticle,
            and_(KnowledgeArticle.id == KnowledgeVersion.article_id, number == KnowledgeVersion.version),
        )
        .where(KnowledgeArticle.id.in_(article_ids))
    )
    return {row.article_id: row for row in rows}


# --- search --------------------------------------------------------------------------------------------------------


async def with_grams(
    session: AsyncSession, seen: ColumnElement[bool], grams: Collection[str]
) -> Sequence[tuple[KnowledgeArticle, KnowledgeVersion]]:
    """Published articles that share a gram with the question, each with what it says."""
    rows = await session.execute(
        select(KnowledgeArticle, KnowledgeVersion)
        .join(
            KnowledgeVersion,
            and_(
                KnowledgeVersion.article_id == KnowledgeArticle.id,
                KnowledgeVersion.version == KnowledgeArticle.published_version,
            ),
        )
        .where(seen, _PUBLISHED, KnowledgeArticle.grams.op("&&")(list(grams)))
        .order_by(KnowledgeArticle.id)
        .limit(MOST_CANDIDATES)
    )
    return [(article, version) for article, version in rows]


async def count_published(session: AsyncSession, seen: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(KnowledgeArticle).where(seen, _PUBLISHED)) or 0


# --- votes ---------------------------------------------------------------------------------------------------------


async def vote(session: AsyncSession, row: KnowledgeVote) -> None:
    """A person's vote, in place of their earlier one."""
    said = {"version": row.version, "is_helpful": row.is_helpful, "at": row.at}
    await session.execute(
        insert(KnowledgeVote)
        .values(article_id=row.article_id, person_id=row.person_id, **said)
        .on_conflict_do_update(index_elements=["article_id", "person_id"], set_=said)
    )


async def votes(session: AsyncSession, article_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Helped and not helped, by article; those nobody voted on are left out."""
    helped = func.count().filter(KnowledgeVote.is_helpful)
    rows = await session.execute(
        select(KnowledgeVote.article_id, helped, func.count() - helped)
        .where(KnowledgeVote.article_id.in_(article_ids))
        .group_by(KnowledgeVote.article_id)
    )
    return {article_id: (helpful, unhelpful) for article_id, helpful, unhelpful in rows}


async def vote_of(session: AsyncSession, article_id: UUID, person_id: UUID) -> bool | None:
    found = await session.get(KnowledgeVote, (article_id, person_id), populate_existing=True)
    return None if found is None else found.is_helpful


def _narrowed(query: Select, seen: ColumnElement[bool], wanted: ArticleFilter) -> Select:  # type: ignore[type-arg]
    query = query.where(seen)
    if wanted.category_ids is not None:
        query = query.where(KnowledgeArticle.category_id.in_(wanted.category_ids))
    if wanted.site_id is not None:
        query = query.where(KnowledgeArticle.site_id == wanted.site_id)
    if wanted.audience is not None:
        query = query.where(KnowledgeArticle.audience == wanted.audience)
    if wanted.words:
        query = query.where(
            select(true())
            .where(
                KnowledgeVersion.article_id == KnowledgeArticle.id,
                KnowledgeVersion.version == KnowledgeArticle.version,
                or_(
                    *(
                        func.lower(KnowledgeVersion.titles[language.value].astext).contains(
                            wanted.words.lower(), autoescape=True
                        )
                        for language in Language
                    )
                ),
            )
            .exists()
        )
    return query.where(_on_shelf(wanted.shelf))


def _on_shelf(shelf: Shelf | None) -> ColumnElement[bool]:
    match shelf:
        case None:
            return true()
        case Shelf.DRAFT:
            return KnowledgeArticle.published_version.is_(None)
        case Shelf.PUBLISHED:
            return KnowledgeArticle.published_version == KnowledgeArticle.version
        case Shelf.EDITED:
            return KnowledgeArticle.published_version < KnowledgeArticle.version
