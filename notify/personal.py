"""What the notify room holds of somebody: what they were told."""

from typing import Any

from kit.personal import AgedRows, PersonalRows, TableHolder
from notify.models import Notification

NOTHING: dict[str, Any] = {"facts": {}, "link": None, "error_detail": ""}


def notify_holder() -> TableHolder:
    """How often and by which channel stays, what was said does not."""
    return TableHolder(
        "notify",
        [PersonalRows(Notification, lambda who: Notification.person_id == who.person_id, NOTHING)],
        [AgedRows("notifications", Notification, "created_at", NOTHING)],
    )
