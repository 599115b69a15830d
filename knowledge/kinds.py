"""Closed sets of the knowledge base."""

from enum import StrEnum


class Audience(StrEnum):
    """Who reads a published article. Staff read all."""

    OWNERS = "owners"
    STAFF = "staff"


class Shelf(StrEnum):
    """Where an article stands between its author and its readers."""

    DRAFT = "draft"  # never published, or withdrawn
    PUBLISHED = "published"
    EDITED = "edited"  # published, and a newer version waits to be


def shelf_of(*, version: int, published_version: int | None) -> Shelf:
    if published_version is None:
        return Shelf.DRAFT
    return Shelf.PUBLISHED if published_version == version else Shelf.EDITED
