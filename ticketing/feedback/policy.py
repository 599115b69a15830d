"""How much an owner may urge, when they are reminded and taken for content: a site's settings `feedback`, pure.

Source of the defaults: docs/ticketing.md, "Owners' verdict".
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ticketing.setting_values import BadTargets, minutes, table

MOST_STARS = 5


@dataclass(frozen=True)
class FeedbackPolicy:
    """`urge_every_min`, `urges_a_day`: of one report. `remind_after_min`: from done to the one reminder;
    `silent_after_days`: from done until silence counts as consent. `low_stars`: with so few, or fewer, customer service
    calls. `rejections_to_manager`: the rejection that goes up; `manager_min`: how long the manager then has."""

    urge_every_min: float = 30
    urges_a_day: float = 3
    remind_after_min: float = 1440
    silent_after_days: float = 7
    low_stars: float = 2
    rejections_to_manager: float = 2
    manager_min: float = 1440


def parse_policy(settings: Mapping[str, Any]) -> FeedbackPolicy:
    """What a site's settings mean. Raises BadTargets, naming the key."""
    given = table(settings, "feedback")
    known: dict[str, float] = {one.name: getattr(FeedbackPolicy, one.name) for one in fields(FeedbackPolicy)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadTargets(f"feedback.{unknown[0]} is not known; known: {', '.join(known)}")
    values = {name: minutes(given, name, default, where="feedback") for name, default in known.items()}
    return FeedbackPolicy(**values)
