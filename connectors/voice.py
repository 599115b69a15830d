"""Voice calls by Alibaba Cloud's SingleCallByTts: the telephone rings and a text is read out."""

import json
from collections.abc import Mapping
from typing import Self

from pydantic import Field, SecretStr

from connectors.aliyun import AliyunCaller
from connectors.errors import not_configured
from connectors.http import Endpoint
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "voice"


class VoiceSettings(Settings):
    """HUB_VOICE_…; without an access key the connector is not configured. An empty show number: a shared one."""

    model_config = settings_config("HUB_VOICE_")

    access_key_id: str = Field("", description="Alibaba Cloud access key that may place calls")
    access_key_secret: SecretStr | None = Field(None, description="secret of that access key")
    show_number: str = Field("", description="number the called person sees; empty: a shared one")
    base_url: str = Field("https://dyvmsapi.aliyuncs.com", description="where the voice API is; a fake one in a demo")
    deadline_s: float = Field(8.0, gt=0, description="seconds to wait for an answer of the voice service")

    @property
    def is_configured(self) -> bool:
        return bool(self.access_key_id and self.access_key_secret)


class VoiceClient:
    """`async with VoiceClient(settings, clock) as voice`."""

    def __init__(self, settings: VoiceSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._endpoint = Endpoint(SERVICE, settings.base_url, settings.deadline_s)
        self._http = self._endpoint.client()

    @property
    def is_configured(self) -> bool:
        return self._settings.is_configured

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def call(self, *, phone: str, template_code: str, parameters: Mapping[str, str], reference: str) -> str:
        """Calls one number and returns the CallId: the call was placed, not that anybody answered.

        Raises TemporaryFailure, PermanentFailure and, where the service kept silent, AmbiguousOutcome.
        """
        answer = await self._caller().call(
            "SingleCallByTts",
            {
                "CalledNumber": phone,
                "CalledShowNumber": self._settings.show_number,
                "TtsCode": template_code,
                "TtsParam": json.dumps(dict(parameters), ensure_ascii=False),
                "PlayTimes": "2",
                "OutId": reference,
            },
        )
        return str(answer.get("CallId", ""))

    def _caller(self) -> AliyunCaller:
        settings = self._settings
        if not settings.is_configured or settings.access_key_secret is None:
            raise not_configured(SERVICE, setting="HUB_VOICE_ACCESS_KEY_ID and HUB_VOICE_ACCESS_KEY_SECRET")
        secret = settings.access_key_secret.get_secret_value()
        return AliyunCaller(
            self._endpoint, self._http, self._clock, access_key_id=settings.access_key_id, secret=secret
        )
