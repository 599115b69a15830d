"""The arithmetic of the chain. Pure: digests are hexadecimal SHA-256."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

# What the first link hangs on.
ROOT = hashlib.sha256(b"zhiwu audit chain").hexdigest()


class BadHead(ValueError):
    """What was given as a head of the chain is none."""

    def __init__(self) -> None:
        super().__init__("a head is POSITION:DIGEST, as `hub audit verify` prints it")


@dataclass(frozen=True)
class Link:
    """What a record's digest is made of."""

    id: UUID
    at: datetime
    action: str
    actor_id: UUID | None
    roles: Sequence[str]
    object_kind: str | None
    object_id: str | None
    touched: Sequence[str]
    site_id: UUID | None
    request_id: str | None
    origin_digest: str
    facts_digest: str
    also_at: Sequence[str] = ()


@dataclass(frozen=True)
class Head:
    """Where the chain ends: the number of its links, and the digest of the last."""

    position: int
    digest: str

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"

    @classmethod
    def parse(cls, words: str) -> "Head":
        """`POSITION:DIGEST`, as a head prints itself. Raises BadHead."""
        position, _, digest = words.partition(":")
        if not position.isdigit() or len(digest) != len(ROOT):
            raise BadHead
        return cls(int(position), digest)


NO_LINKS = Head(0, ROOT)


def detail_digest(text: str, salt: str) -> str:
    """Of a text that may be erased: without the salt nobody can find out by guessing what it said."""
    return hashlib.sha256(f"{salt}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def link_digest(link: Link) -> str:
    told = [
        str(link.id), link.at.astimezone(UTC).isoformat(timespec="microseconds"), link.action, _text(link.actor_id),
        list(link.roles), link.object_kind, link.object_id, list(link.touched), _text(link.site_id), link.request_id,
        link.origin_digest, link.facts_digest,
        # Only where there are any: records from before there could be keep their digests.
        *([list(link.also_at)] if link.also_at else []),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def next_head(head: Head, record_digest: str) -> Head:
    position = head.position + 1
    return Head(position, hashlib.sha256(f"{head.digest}\n{position}\n{record_digest}".encode()).hexdigest())


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
