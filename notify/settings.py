"""Settings of telling people."""

from datetime import time
from pathlib import Path

from pydantic import Field

from kit.settings import Settings, settings_config
from notify.policy import QuietHours


class NotifySettings(Settings):
    """HUB_NOTIFY_…; the template maps are JSON: {"work_order.assigned": "<id given by the service>", …}.

    Quiet hours are local to the site; the same time twice means none. `voice_after_s`: how long a matter of life may
    stay unacknowledged before the telephone rings. `link_base_url` empty: the address of the hub itself.
    """

    model_config = settings_config("HUB_NOTIFY_")

    wechat_templates: dict[str, str] = Field(default_factory=dict)
    sms_templates: dict[str, str] = Field(default_factory=dict)
    voice_templates: dict[str, str] = Field(default_factory=dict)
    templates_file: Path | None = None
    quiet_from: time = time(22, 0)
    quiet_until: time = time(7, 30)
    voice_after_s: float = 60.0
    link_base_url: str = ""
    keep_days: int = 365

    @property
    def quiet_hours(self) -> QuietHours:
        return QuietHours(self.quiet_from, self.quiet_until)
