"""Time-ordered splits of history: a model is judged on what came after all it has learnt from. Pure."""

import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Learnt from `learn_from_ms` <= time < `learn_until_ms`, judged on `learn_until_ms` <= time < `judge_until_ms`."""

    learn_from_ms: int
    learn_until_ms: int
    judge_until_ms: int


def walk_forward(*, since_ms: int, until_ms: int, splits: int) -> list[Split]:
    """History cut into `splits` + 1 equal stretches: each but the first is judged by what was learnt from all before.

    None where the span is too short to be cut.
    """
    width_ms = (until_ms - since_ms) // (splits + 1)
    if width_ms <= 0:
        return []
    edges = [since_ms + width_ms * place for place in range(1, splits + 1)] + [until_ms]
    return [
        Split(learn_from_ms=since_ms, learn_until_ms=edge, judge_until_ms=after)
        for edge, after in itertools.pairwise(edges)
    ]
