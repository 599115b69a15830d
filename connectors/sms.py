"""SMS by Alibaba Cloud's SendSms. Not idempotent: after silence nobody can say whether the message went out."""

import json
from collections.abc import Mapping
from typing import Self

from pydantic import Field, SecretStr

from connectors.aliyun import AliyunCaller
from connectors.errors import not_configured
from connectors.http import Endpoint
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "sms"


class SmsSettings(Settings):
    """HUB_SMS_…; without an access key and a sign name the connector is not configured."""

    model_config = settings_config("HUB_SMS_")

    access_key_id: str = Field("", description="Alibaba Cloud access key that may send SMS")
    access_key_secret: SecretStr | None = Field(None, description="secret of that access key")
    sign_name: str = Field("", description="approved signature (签名) that every SMS begins with")
    base_url: str = Field("https://dysmsapi.aliyuncs.com", description="where the SMS API is; a fake one in a demo")
    deadline_s: float = Field(8.0, gt=0, description="seconds to wait for an answer of the SMS service")

    @property
    def is_configured(self) -> bool:
        return bool(self.access_key_id and self.access_key_secret and self.sign_name)


class SmsClient:
    """`async with SmsClient(settings, clock) as sms`."""

    def __init__(self, settings: SmsSettings, clock: Clock) -> None:
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

    async def send(self, *, phone: str, template_code: str, parameters: Mapping[str, str], reference: str) -> str:
        """Sends one message and returns its BizId. `reference` (OutId) comes back in delivery reports.

        Raises TemporaryFailure, PermanentFailure (`isv.MOBILE_NUMBER_ILLEGAL`, `isv.BUSINESS_LIMIT_CONTROL`, …) and,
        where the service kept silent, AmbiguousOutcome.
        """
        answer = await self._caller().call(
            "SendSms",
            {
                "PhoneNumbers": phone,
                "SignName": self._settings.sign_name,
                "TemplateCode": template_code,
                "TemplateParam": json.dumps(dict(parameters), ensure_ascii=False),
                "OutId": reference,
            },
        )
        return str(answer.get("BizId", ""))

    def _caller(self) -> AliyunCaller:
        settings = self._settings
        if not settings.is_configured or settings.access_key_secret is None:
            raise not_configured(
                SERVICE, setting="HUB_SMS_ACCESS_KEY_ID, HUB_SMS_ACCESS_KEY_SECRET and HUB_SMS_SIGN_NAME"
            )
        secret = settings.access_key_secret.get_secret_value()
        return AliyunCaller(
            self._endpoint, self._http, self._clock, access_key_id=settings.access_key_id, secret=secret
        )
