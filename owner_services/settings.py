"""Settings of owner services."""

from pydantic import Field

from kit.settings import Settings, settings_config


class OwnerServicesSettings(Settings):
    """HUB_OWNERS_…; invitations, codes by SMS, and how long messages are kept."""

    model_config = settings_config("HUB_OWNERS_")

    invitation_days: int = Field(30, description="days an owner's invitation is good for")
    phone_code_minutes: int = Field(10, description="minutes a code sent by SMS is good for")
    keep_message_days: int = Field(90, description="days until owners' messages are forgotten")
