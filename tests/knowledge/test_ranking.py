"""Owners' questions find the article that answers them, among everything a company has written."""

import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.ids import new_id
from knowledge.ranking import WORTH_LISTING, WORTH_OFFERING, Candidate, Ranked, rank
from knowledge.wording import grams, plain
from tests.knowledge.questions import QUESTIONS, UNANSWERED

DOCUMENT = tomllib.loads((Path(__file__).parents[2] / "hub" / "demo" / "knowledge.toml").read_text("utf-8"))
ARTICLES = [one for one in DOCUMENT["articles"] if one.get("audience") != "staff"]
IDS = {one["key"]: new_id() for one in ARTICLES}
KEYS = {article_id: key for key, article_id in IDS.items()}


def candidate(one: dict[str, Any]) -> Candidate:
    phrases = [*one["titles"].values(), *one.get("asked", ())]
    return Candidate(IDS[one["key"]], phrases, frozenset().union(*map(grams, [*phrases, *one["bodies"].values()])))


CANDIDATES = [candidate(one) for one in ARTICLES]
FREQUENCY = Counter(gram for one in CANDIDATES for gram in one.grams)


def found(question: str) -> list[Ranked]:
    return rank(question, CANDIDATES, frequency=FREQUENCY, articles=len(CANDIDATES))


def keys(question: str) -> list[str]:
    return [KEYS[one.article_id] for one in found(question)]


def test_the_base_and_the_questions_are_as_many_as_promised() -> None:
    phrases = {phrase for one in ARTICLES for phrase in [*one["titles"].values(), *one.get("asked", ())]}
    assert len(ARTICLES) >= 20
    assert len(QUESTIONS) >= 30
    assert not phrases & {question for question, _ in QUESTIONS}, "a question that is a title proves nothing"


def test_the_right_article_comes_first_nine_times_of_ten_and_is_among_three_always() -> None:
    firsts = [question for question, key in QUESTIONS if keys(question)[:1] != [key]]
    thirds = [question for question, key in QUESTIONS if key not in keys(question)[:3]]
    assert len(firsts) <= len(QUESTIONS) * 0.1, {question: keys(question)[:3] for question in firsts}
    assert thirds == [], {question: keys(question)[:5] for question in thirds}


def test_most_questions_are_offered_their_article() -> None:
    offered = [
        question for question, key in QUESTIONS
        if any(one.score >= WORTH_OFFERING and KEYS[one.article_id] == key for one in found(question))
    ]  # fmt: skip
    assert len(offered) >= len(QUESTIONS) * 0.85, {question for question, _ in QUESTIONS} - set(offered)


@pytest.mark.parametrize("question", UNANSWERED)
def test_what_nothing_answers_is_offered_nothing(question: str) -> None:
    assert [(KEYS[one.article_id], one.score) for one in found(question) if one.score >= WORTH_OFFERING] == []


def test_how_do_i_pay_for_water_is_found_under_ways_of_paying_for_water() -> None:
    only = Candidate(UUID(int=1), ["水费缴纳方式"], grams("水费缴纳方式"))
    other = Candidate(UUID(int=2), ["电费缴纳方式"], grams("电费缴纳方式"))
    ranked = rank("水费怎么交", [other, only], frequency=Counter([*only.grams, *other.grams]), articles=2)
    assert ranked[0].article_id == only.article_id
    assert ranked[0].score >= WORTH_OFFERING


def test_words_that_only_ask_are_left_out() -> None:
    assert plain("请问水费怎么交呢").split() == ["水费", "缴"]
    assert grams("怎么 哪里 吗") == frozenset()
    assert grams("") == frozenset()
    assert grams("ＰＡＲＫＩＮＧ　Fees") == {"park", "fee"}


def test_the_more_helpful_of_two_equal_articles_comes_first() -> None:
    liked, disliked = (
        Candidate(UUID(int=number), ["停车收费"], grams("停车收费"), helpful=helpful, unhelpful=10 - helpful)
        for number, helpful in ((2, 9), (1, 1))
    )
    ranked = rank("停车收费", [disliked, liked], frequency=Counter(grams("停车收费")), articles=2)
    assert [one.article_id for one in ranked] == [liked.article_id, disliked.article_id]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_scores_lie_between_nothing_and_one_and_fall(question: str) -> None:
    scores = [one.score for one in found(question)]
    assert all(WORTH_LISTING <= score <= 1.0 + 1e-9 for score in scores)
    assert all(earlier >= later - 0.001 for earlier, later in pairwise(scores))
