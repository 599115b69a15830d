"""Articles from a document, for a first fill. What is there already, by its key, is left as people made it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from knowledge import repository
from knowledge.editing import KnowledgeEditor
from knowledge.kinds import Audience
from knowledge.views import Draft


class KnowledgeSeed:
    def __init__(self, editor: KnowledgeEditor) -> None:
        self._editor = editor

    async def load(self, session: AsyncSession, document: Mapping[str, Any]) -> int:
        """Adds and publishes the document's articles that are not there; how many. Parents stand before branches."""
        for position, one in enumerate(document["categories"]):
            await self._category(session, one, position)
        return sum([await self._article(session, one) for one in document["articles"]])

    async def _category(self, session: AsyncSession, one: Mapping[str, Any], position: int) -> None:
        if await repository.category_by_code(session, one["code"]) is not None:
            return
        parent_id = await self._category_id(session, one["parent"]) if "parent" in one else None
        await self._editor.add_category(
            session, Scope.everywhere(), code=one["code"], names=one["names"], parent_id=parent_id, position=position
        )

    async def _article(self, session: AsyncSession, one: Mapping[str, Any]) -> bool:
        if await repository.article_by_key(session, one["key"]) is not None:
            return False
        draft = draft_of(one, category_id=await self._category_id(session, one["category"]))
        everywhere = Scope.everywhere()
        article_id = await self._editor.add(session, everywhere, draft, author=None, key=one["key"])
        await self._editor.publish(session, everywhere, article_id, version=1, author=None)
        return True

    async def _category_id(self, session: AsyncSession, code: str) -> UUID:
        row = await repository.category_by_code(session, code)
        if row is None:
            raise LookupError(f"the document has no category {code!r}")
        return row.id


def draft_of(one: Mapping[str, Any], *, category_id: UUID) -> Draft:
    """An article of the document as its author would send it."""
    return Draft(
        category_id=category_id,
        site_id=None,
        audience=Audience(one.get("audience", Audience.OWNERS)),
        titles=one["titles"],
        bodies={language: body.strip() for language, body in one["bodies"].items()},
        asked=tuple(one.get("asked", ())),
    )
