"""Which articles answer a question, best first. Pure.

What few articles have says more than what all have, a pair more than a letter, a title more than a body. A score lies
between 0 (nothing shared) and 1 (the title is the question).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from uuid import UUID

from knowledge.wording import grams

# From here on an article is offered before a report is sent: tuned on tests/knowledge/questions.py.
WORTH_OFFERING = 0.37
# Below this it is not even listed.
WORTH_LISTING = 0.12

_LETTER = 0.25  # of a pair's weight
_UNKNOWN = 0.6  # what no article has may be a name or a slip of the pen
_OF_PHRASE, _OF_FIT, _OF_ALL = 0.6, 0.15, 0.25


@dataclass(frozen=True)
class Candidate:
    """An article as the ranking sees it. `phrases`: its title and other ways of asking; `grams`: all that it has."""

    article_id: UUID
    phrases: Sequence[str]
    grams: frozenset[str]
    helpful: int = 0
    unhelpful: int = 0


@dataclass(frozen=True)
class Ranked:
    article_id: UUID
    score: float


def rank(
    question: str, candidates: Iterable[Candidate], *, frequency: Mapping[str, int], articles: int
) -> list[Ranked]:
    """The candidates worth listing, best first; equally good ones by how much they helped.

    `frequency`: how many of the `articles` have a gram.
    """
    asked = grams(question)
    weights = {gram: _weight(gram, frequency.get(gram, 0), articles) for gram in asked}
    scored = [(one, _score(one, weights, frequency, articles)) for one in candidates]
    listed = [(one, score) for one, score in scored if score >= WORTH_LISTING]
    listed.sort(key=lambda pair: (-round(pair[1], 3), -_helpfulness(pair[0]), pair[0].article_id))
    return [Ranked(one.article_id, score) for one, score in listed]


def _score(one: Candidate, weights: Mapping[str, float], frequency: Mapping[str, int], articles: int) -> float:
    wanted = sum(weights.values())
    if not wanted:
        return 0.0
    shared = sum(weight for gram, weight in weights.items() if gram in one.grams) / wanted
    best = 0.0
    for phrase in map(grams, one.phrases):
        covered = sum(weight for gram, weight in weights.items() if gram in phrase)
        length = sum(_weight(gram, frequency.get(gram, 0), articles) for gram in phrase)
        fit = covered / length if length else 0.0
        best = max(best, _OF_PHRASE * covered / wanted + _OF_FIT * min(1.0, fit))
    return best + _OF_ALL * shared


def _weight(gram: str, having: int, articles: int) -> float:
    rarity = log(1 + max(articles, 1) / (having or 1))
    return rarity * (_LETTER if len(gram) == 1 else 1.0) * (1.0 if having else _UNKNOWN)


def _helpfulness(one: Candidate) -> float:
    """The share of helped people, as if one of two had been helped before anybody voted."""
    return (one.helpful + 1) / (one.helpful + one.unhelpful + 2)
