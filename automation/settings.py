"""Settings of rules on orders and webhooks."""

import ipaddress
from collections.abc import Sequence

from pydantic import Field, field_validator

from connectors.addresses import Network
from kit.settings import Settings, settings_config


class AutomationSettings(Settings):
    """HUB_AUTOMATION_…; `webhook_networks` are those inside which webhooks may go although they are private."""

    model_config = settings_config("HUB_AUTOMATION_")

    webhook_networks: str = Field(
        "", description="private networks that webhooks may reach, with commas, as 10.20.0.0/16,192.168.5.10; none"
    )
    webhook_deadline_s: float = Field(
        10.0, gt=0, le=60, description="seconds a webhook may take, from looking its name up to its answer"
    )
    webhook_overlap_h: float = Field(
        24.0, ge=0, description="hours for which a replaced secret of a webhook still signs"
    )
    keep_days: int = Field(
        180, ge=1, description="days until deliveries of webhooks and firings of rules are forgotten"
    )

    @field_validator("webhook_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @property
    def networks(self) -> Sequence[Network]:
        return _networks(self.webhook_networks)


def _networks(words: str) -> list[Network]:
    return [ipaddress.ip_network(one.strip()) for one in words.split(",") if one.strip()]
