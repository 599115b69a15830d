"""Settings of owner services."""

from kit.settings import Settings, settings_config


class OwnerServicesSettings(Settings):
    """HUB_OWNERS_…; invitations, codes by SMS, and how long messages are kept."""

    model_config = settings_config("HUB_OWNERS_")

    invitation_days: int = 30
    phone_code_minutes: int = 10
    keep_message_days: int = 90
