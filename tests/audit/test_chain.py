"""The arithmetic of the chain."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.chain import NO_LINKS, BadHead, Head, Link, detail_digest, link_digest, next_head

A_LINK = Link(
    id=UUID(int=1), at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC), action="people.set_roles", actor_id=UUID(int=2),
    roles=["admin"], object_kind="person", object_id="3", touched=["3", "4"], site_id=UUID(int=5), request_id="r",
    origin_digest="o", facts_digest="f",
)  # fmt: skip

OTHERS: dict[str, Any] = {
    "id": UUID(int=9), "at": A_LINK.at + timedelta(microseconds=1), "action": "people.set_role",
    "actor_id": None, "roles": [], "object_kind": None, "object_id": "33", "touched": ["34"], "site_id": None,
    "request_id": None, "origin_digest": "oo", "facts_digest": "ff", "also_at": ["6"],
}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Link)])
def test_every_field_of_a_record_counts(name: str) -> None:
    assert link_digest(dataclasses.replace(A_LINK, **{name: OTHERS[name]})) != link_digest(A_LINK)


def test_a_record_of_one_site_has_the_digest_it_had_before_there_could_be_several() -> None:
    assert link_digest(A_LINK) == "9411f6d2b32608e590feefac22cf376628cd6db122ef43541cb0114330b5fcd9"


def test_the_time_zone_a_database_answers_in_does_not_count() -> None:
    there = A_LINK.at.astimezone(timezone(timedelta(hours=8)))
    assert link_digest(dataclasses.replace(A_LINK, at=there)) == link_digest(A_LINK)


@given(st.lists(st.text(alphabet="abcdef0123456789", min_size=64, max_size=64), min_size=2, max_size=6, unique=True))
@settings(max_examples=30)
def test_no_order_but_the_first_leads_to_the_same_head(digests: list[str]) -> None:
    def head_of(order: list[str]) -> Head:
        head = NO_LINKS
        for digest in order:
            head = next_head(head, digest)
        return head

    assert head_of(digests) != head_of(digests[::-1])
    assert head_of(digests) != head_of(digests[:-1])
    assert Head.parse(str(head_of(digests))) == head_of(digests)


@given(st.text(), st.text())
@settings(max_examples=50)
def test_a_detail_is_told_from_any_other_and_hidden_by_its_salt(told: str, other: str) -> None:
    assert (detail_digest(told, "s") == detail_digest(other, "s")) == (told == other)
    assert detail_digest(told, "s") != detail_digest(told, "t")


@pytest.mark.parametrize("words", ["", "12", "x:" + "0" * 64, "1:abc"])
def test_what_is_no_head_is_refused(words: str) -> None:
    with pytest.raises(BadHead):
        Head.parse(words)
