"""SMS and voice: signatures that the service accepts, and silence that is nobody's certainty."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.aliyun import signature
from connectors.errors import AmbiguousOutcome, NotConfigured, PermanentFailure, TemporaryFailure
from connectors.sms import SmsClient, SmsSettings
from connectors.voice import VoiceClient, VoiceSettings
from kit.clock import FakeClock
from tests.connectors.platform import Platform, hanging_up, nobody_listens


def sms_settings(base_url: str, *, deadline_s: float = 5.0, secret: str = "ak-secret") -> SmsSettings:
    return SmsSettings(
        _env_file=None, access_key_id="ak", access_key_secret=SecretStr(secret), sign_name="智物物业",
        base_url=base_url, deadline_s=deadline_s,
    )  # fmt: skip


@pytest.fixture
async def sms(platform: Platform, clock: FakeClock) -> AsyncIterator[SmsClient]:
    async with SmsClient(sms_settings(platform.url), clock) as client:
        yield client


async def send(client: SmsClient, *, phone: str = "13800001111") -> str:
    return await client.send(
        phone=phone, template_code="SMS_1", parameters={"place": "3栋 2单元*~", "n": "1"}, reference="n1"
    )


def test_the_published_example_is_signed_as_published() -> None:
    parameters = {
        "SignatureMethod": "HMAC-SHA1", "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "AccessKeyId": "testId", "SignatureVersion": "1.0", "Timestamp": "2017-07-12T02:42:19Z", "Format": "XML",
        "Action": "SendSms", "Version": "2017-05-25", "RegionId": "cn-hangzhou", "PhoneNumbers": "15300000001",
        "SignName": "阿里云短信测试专用", "TemplateParam": '{"customer":"test"}', "TemplateCode": "SMS_71390007",
        "OutId": "123",
    }  # fmt: skip
    assert signature(parameters, method="GET", secret="testSecret") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


async def test_an_sms_is_signed_and_its_parameters_are_strings(sms: SmsClient, platform: Platform) -> None:
    assert await send(sms) == "b-1"
    [form] = platform.sent
    assert (form["PhoneNumbers"], form["SignName"], form["OutId"]) == ("13800001111", "智物物业", "n1")
    assert json.loads(form["TemplateParam"]) == {"place": "3栋 2单元*~", "n": "1"}
    assert form["Timestamp"] == "2026-11-22T04:00:00Z"


async def test_every_request_has_a_nonce_of_its_own(sms: SmsClient, platform: Platform) -> None:
    await asyncio.gather(*(send(sms) for _ in range(5)))
    assert len(platform.nonces) == 5


@pytest.mark.parametrize(
    ("phone", "secret", "code"),
    [("110", "ak-secret", "isv.MOBILE_NUMBER_ILLEGAL"), ("13800001111", "wrong", "SignatureDoesNotMatch")],
)
async def test_a_refusal_for_good_is_permanent(
    platform: Platform, clock: FakeClock, phone: str, secret: str, code: str
) -> None:
    async with SmsClient(sms_settings(platform.url, secret=secret), clock) as client:
        with pytest.raises(PermanentFailure) as caught:
            await send(client, phone=phone)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (JSONResponse({"Code": "Throttling.User", "Message": "slow down"}, status_code=503), TemporaryFailure),
        (JSONResponse({"Code": "isp.SYSTEM_ERROR", "Message": "again"}), TemporaryFailure),
        (JSONResponse({"Code": "isp.RAM_PERMISSION_DENY", "Message": "may not"}), PermanentFailure),
        (JSONResponse({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "limit"}), PermanentFailure),
        (Response("oops", status_code=502), AmbiguousOutcome),
        (Response("", status_code=200), AmbiguousOutcome),
        (Response("[]", status_code=200), AmbiguousOutcome),
        (Response("later", status_code=503), TemporaryFailure),
        (Response("no", status_code=403), PermanentFailure),
    ],
)
async def test_an_answer_says_what_to_do_next(
    sms: SmsClient, platform: Platform, answer: Response, outcome: type[Exception]
) -> None:
    async def instead(request: Request) -> Response:
        return answer

    platform.before = instead
    with pytest.raises(outcome):
        await send(sms)


async def test_a_timeout_after_the_request_went_out_is_its_own_outcome(platform: Platform, clock: FakeClock) -> None:
    async def slow(request: Request) -> None:
        await platform.rpc(request)
        await asyncio.sleep(5)

    platform.before = slow
    async with SmsClient(sms_settings(platform.url, deadline_s=1.0), clock) as client:
        with pytest.raises(AmbiguousOutcome) as caught:
            await send(client)
    assert caught.value.code == "timeout"
    assert len(platform.sent) == 1, "the service had sent it"


async def test_hanging_up_after_the_request_is_ambiguous_and_not_answering_at_all_is_not(clock: FakeClock) -> None:
    async with hanging_up() as url, SmsClient(sms_settings(url), clock) as client:
        with pytest.raises(AmbiguousOutcome):
            await send(client)
    async with SmsClient(sms_settings(nobody_listens()), clock) as client:
        with pytest.raises(TemporaryFailure):
            await send(client)


async def test_a_call_is_placed_twice_read_out_and_names_its_number(platform: Platform, clock: FakeClock) -> None:
    settings = VoiceSettings(
        _env_file=None, access_key_id="ak", access_key_secret=SecretStr("ak-secret"), show_number="057112345678",
        base_url=platform.url,
    )  # fmt: skip
    async with VoiceClient(settings, clock) as voice:
        called = await voice.call(
            phone="13900002222", template_code="TTS_1", parameters={"place": "3栋"}, reference="n"
        )
    assert called == "c-1"
    [form] = platform.sent
    assert (form["Action"], form["CalledNumber"], form["PlayTimes"]) == ("SingleCallByTts", "13900002222", "2")


async def test_without_settings_they_say_what_to_set(clock: FakeClock) -> None:
    async with (
        SmsClient(SmsSettings(_env_file=None), clock) as sms,
        VoiceClient(VoiceSettings(_env_file=None), clock) as voice,
    ):
        with pytest.raises(NotConfigured, match="HUB_SMS_ACCESS_KEY_ID"):
            await send(sms)
        with pytest.raises(NotConfigured, match="HUB_VOICE_ACCESS_KEY_ID"):
            await voice.call(phone="1", template_code="t", parameters={}, reference="r")
