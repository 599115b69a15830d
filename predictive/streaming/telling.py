"""From what stands out to findings: which points, since when, how unusual, how sure. Pure."""

from collections.abc import Iterable, Iterator
from math import isnan
from typing import Final

from predictive.predictions.finding import Finding, Method, PointEvidence
from predictive.streaming.cohort import Judged, Member
from predictive.streaming.frames import NEVER_MS
from predictive.streaming.memory import Standing

# Detectors say that something is unusual; which part it is, wear and consumption say.
MODE: Final = "unusual"
MOST_POINTS: Final = 6
LEAST_SHARE: Final = 0.05
# Enough to tell somebody, too little to send somebody (docs/predictive.md, "Wear in a fleet"): within weeks a season
# moves what was learnt in spring, and only days compared with the peers' days tell that from wear.
MOST_SURE: Final = 0.65


def findings_of(judged: Iterable[Judged]) -> list[Finding]:
    """In the order of their rows; the newest of each equipment says all that the earlier ones did."""
    newest: dict[tuple[object, object], Finding] = {}
    found = (
        finding
        for block in judged
        for standing in block.said
        for finding in _findings(block, standing)
    )  # fmt: skip
    for finding in sorted(found, key=lambda each: each.at_ms):
        newest[finding.equipment_id, finding.is_shadow] = finding
    return list(newest.values())


def _findings(block: Judged, standing: Standing) -> Iterator[Finding]:
    for number, place in enumerate(standing.places.tolist()):
        member = block.members[place]
        since_ms = int(standing.since_ms[number])
        since_ms = standing.at_ms if since_ms == NEVER_MS else since_ms
        yield Finding(
            site_id=member.site_id, equipment_id=member.equipment_id, method=Method.DETECTORS, mode=MODE,
            at_ms=standing.at_ms, since_ms=since_ms, confidence=min(MOST_SURE, float(standing.confidence[number])),
            score=float(standing.score[number]), is_present=bool(standing.is_present[number]),
            points=_points(member, standing, number, since_ms), model_id=member.model_id, is_shadow=member.is_shadow,
        )  # fmt: skip


def _points(member: Member, standing: Standing, number: int, since_ms: int) -> tuple[PointEvidence, ...]:
    rows = zip(
        member.shape.point_keys,
        standing.shares[number].tolist(), standing.value[number].tolist(), standing.usual[number].tolist(),
        strict=True,
    )  # fmt: skip
    heaviest = sorted(rows, key=lambda row: -row[1])[:MOST_POINTS]
    return tuple(
        PointEvidence(point_key=key, share=share, value=_known(value), usual=_known(usual), since_ms=since_ms)
        for key, share, value, usual in heaviest
        if share >= LEAST_SHARE
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else value
