"""The accounts the fake services know. Read from the hub's own settings, so that both sides agree by themselves.

An empty secret is not checked (a bench without secrets); a set one is.
"""

from dataclasses import dataclass, field

from pydantic import Field

from kit.settings import Settings, settings_config
from simulators.settings import WeChatSettings


class WeComAccount(Settings):
    model_config = settings_config("HUB_WECOM_")

    corp_id: str = ""
    corp_secret: str = ""


class SmsAccount(Settings):
    model_config = settings_config("HUB_SMS_")

    access_key_id: str = ""
    access_key_secret: str = ""
    sign_name: str = ""


class VoiceAccount(Settings):
    model_config = settings_config("HUB_VOICE_")

    access_key_id: str = ""
    access_key_secret: str = ""


class ApprovedTemplates(Settings):
    """Template ids by key, as the hub has them. Without any, every id is taken for approved."""

    model_config = settings_config("HUB_NOTIFY_")

    wechat_templates: dict[str, str] = Field(default_factory=dict)
    sms_templates: dict[str, str] = Field(default_factory=dict)
    voice_templates: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Accounts:
    wechat: WeChatSettings = field(default_factory=WeChatSettings)
    wecom: WeComAccount = field(default_factory=WeComAccount)
    sms: SmsAccount = field(default_factory=SmsAccount)
    voice: VoiceAccount = field(default_factory=VoiceAccount)
    templates: ApprovedTemplates = field(default_factory=ApprovedTemplates)


def matches(given: str, known: str) -> bool:
    """Whether a secret is right; an unknown one only has to be there."""
    return given == known if known else bool(given)
