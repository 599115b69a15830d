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

    wechat_templates: dict[str, str] = Field(
        default_factory=dict, description="WeChat template ids by key, as JSON; see docs/wechat.md"
    )
    sms_templates: dict[str, str] = Field(default_factory=dict, description="SMS template codes by key, as JSON")
    voice_templates: dict[str, str] = Field(
        default_factory=dict, description="voice template (TTS) codes by key, as JSON"
    )
    templates_file: Path | None = Field(None, description="your own messages (TOML), over the shipped ones")
    quiet_from: time = Field(time(22, 0), description="quiet hours begin, local to the site")
    quiet_until: time = Field(time(7, 30), description="quiet hours end; the same as their beginning: none")
    voice_after_s: float = Field(
        60.0, description="seconds a matter of life may stay unacknowledged before the telephone rings"
    )
    link_base_url: str = Field("", description="what links in messages begin with; empty: the hub's own address")
    keep_days: int = Field(365, description="days until records of messages are forgotten")

    @property
    def quiet_hours(self) -> QuietHours:
        return QuietHours(self.quiet_from, self.quiet_until)
