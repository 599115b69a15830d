"""What can be done with a version of a rule, by its state."""

from collections.abc import Mapping
from enum import StrEnum

from rules.versions.models import VersionState


class VersionAction(StrEnum):
    EDIT = "edit"
    ACTIVATE = "activate"
    UNSCHEDULE = "unschedule"
    DISCARD = "discard"
    ROLL_BACK = "roll_back"


# To activate one that is scheduled is to set another instant. What a release offers is its own text: to change it,
# make a draft of it.
POSSIBLE: Mapping[VersionState, tuple[VersionAction, ...]] = {
    VersionState.DRAFT: (VersionAction.EDIT, VersionAction.ACTIVATE, VersionAction.DISCARD),
    VersionState.SCHEDULED: (VersionAction.ACTIVATE, VersionAction.UNSCHEDULE),
    VersionState.OFFERED: (VersionAction.ACTIVATE, VersionAction.DISCARD),
    VersionState.IN_FORCE: (),
    VersionState.PAST: (VersionAction.ROLL_BACK,),
    VersionState.DISCARDED: (),
}


def stopped_state(*, is_shipped: bool) -> VersionState:
    """What a scheduled version is again when it does not come into force at its instant."""
    return VersionState.OFFERED if is_shipped else VersionState.DRAFT
