"""Who holds personal data, in the order in which they let go of it: people last, by whom all others are found."""

from pathlib import Path

from audit.personal import AuditHolder
from audit.room import Audit
from kit.personal import Holder
from notify.personal import notify_holder
from owner_services.personal import owner_services_holder
from people.personal import PeopleHolder
from privacy.settings import PrivacySettings
from ticketing.attaching import PhotoFolder
from ticketing.personal import TicketingHolder


def holders(audit: Audit, settings: PrivacySettings, *, files: Path) -> list[Holder]:
    """`files`: where pictures are kept."""
    return [
        owner_services_holder(),
        notify_holder(),
        TicketingHolder(PhotoFolder(files), charges_days=settings.charges_days),
        AuditHolder(audit.eraser),
        PeopleHolder(),
    ]
