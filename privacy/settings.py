"""How long personal data is kept, in days."""

from pydantic import Field

from kit.settings import Settings, settings_config


def _days(default: int, words: str) -> int:
    field: int = Field(default, ge=1, le=36_500, description=words)
    return field


class PrivacySettings(Settings):
    """`HUB_PRIVACY_…_DAYS`."""

    model_config = settings_config("HUB_PRIVACY_")

    wechat_messages_days: int = _days(180, "days that messages of WeChat and their answers are kept")
    notifications_days: int = _days(365, "days that what people were told is kept; that they were told stays")
    invitations_days: int = _days(30, "days that an invitation's name is kept after it has expired")
    locations_days: int = _days(90, "days that the coordinates of a check-in are kept; how it was made stays")
    report_contacts_days: int = _days(1_095, "days that the name and phone given with a report are kept")
    origins_days: int = _days(180, "days that the audit keeps from where people acted")
    charges_days: int = _days(1_095, "days after it is due that a charge keeps its payer's data from being erased")

    def days(self, kind: str) -> int:
        """Of a kind that some room has; raises AttributeError for a kind without a setting."""
        found: int = getattr(self, f"{kind}_days")
        return found
