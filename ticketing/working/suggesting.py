"""Which closing code to suggest, so that finishing is one tap. Pure; a person always chooses."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ticketing.kinds import PERSONAL, Category, ClosingCode

# So many of the latest orders of the same equipment and category, and so many of them alike, make a habit.
LATEST = 5
ALIKE = 3


class SuggestedBy(StrEnum):
    HISTORY = "history"
    ALARM = "alarm"
    CATEGORY = "category"


@dataclass(frozen=True)
class Suggestion:
    code: ClosingCode
    by: SuggestedBy


def suggest(*, category: Category, has_alarm: bool, history: Sequence[ClosingCode]) -> Suggestion:
    """`history`: what earlier orders of this equipment (or place) and category turned out to be, newest first.

    A duplicate says nothing about the next one, so it does not count.
    """
    told = [code for code in history if code is not ClosingCode.DUPLICATE][:LATEST]
    if told:
        code, times = Counter(told).most_common(1)[0]
        if times >= ALIKE:
            return Suggestion(code, SuggestedBy.HISTORY)
    if has_alarm:
        return Suggestion(ClosingCode.REAL_FAULT, SuggestedBy.ALARM)
    is_asked = category in PERSONAL and category is not Category.OTHER
    code = ClosingCode.NO_FAULT_FOUND if is_asked else ClosingCode.REAL_FAULT
    return Suggestion(code, SuggestedBy.CATEGORY)
