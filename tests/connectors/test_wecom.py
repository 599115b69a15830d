"""The WeCom client against a strict platform on a real socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from connectors.errors import NotConfigured, PermanentFailure, TemporaryFailure
from connectors.wecom import CARDS_A_MINUTE, WeComClient, WeComSettings
from kit.clock import FakeClock
from tests.connectors.platform import Platform


def settings(base_url: str, *, deadline_s: float = 5.0) -> WeComSettings:
    return WeComSettings(
        _env_file=None, corp_id="ww1", corp_secret=SecretStr("s1"), agent_id=7, base_url=base_url, deadline_s=deadline_s
    )


@pytest.fixture
async def wecom(platform: Platform, clock: FakeClock) -> AsyncIterator[WeComClient]:
    async with WeComClient(settings(platform.url), clock) as client:
        yield client


async def send(client: WeComClient, *, user_id: str = "zhang", title: str = "新工单", description: str = "3栋") -> str:
    return await client.send_textcard(
        user_id=user_id, title=title, description=description, url="https://hub.example/w/1", button="查看详情页"
    )


async def test_a_card_arrives_and_repeating_it_is_guarded(wecom: WeComClient, platform: Platform) -> None:
    assert await send(wecom) == "m-1"
    [sent] = platform.sent
    assert (sent["agentid"], sent["enable_duplicate_check"], sent["duplicate_check_interval"]) == (7, 1, 1800)


async def test_long_words_are_cut_to_what_the_card_takes(wecom: WeComClient, platform: Platform) -> None:
    await send(wecom, title="长" * 100, description="更长" * 400)
    card = platform.sent[0]["textcard"]
    assert card["title"].endswith("…")
    assert card["description"].endswith("…")


async def test_a_refused_token_is_replaced_and_the_card_sent(wecom: WeComClient, platform: Platform) -> None:
    await send(wecom)
    platform.kill_token()
    await send(wecom)
    assert (len(platform.sent), platform.token_requests) == (2, 2)


async def test_a_member_who_is_not_there_is_a_permanent_failure(wecom: WeComClient) -> None:
    with pytest.raises(PermanentFailure) as caught:
        await send(wecom, user_id="Nobody")
    assert caught.value.code == "invaliduser"


async def test_what_the_platform_would_drop_silently_is_held_back_here(
    wecom: WeComClient, platform: Platform, clock: FakeClock
) -> None:
    platform.members.add("li")
    for _ in range(CARDS_A_MINUTE):
        await send(wecom)
    with pytest.raises(TemporaryFailure) as caught:
        await send(wecom)
    assert 0 < caught.value.retry_after_s <= 60
    await send(wecom, user_id="li")
    clock.advance(seconds=caught.value.retry_after_s)
    await send(wecom)
    assert len(platform.sent) == CARDS_A_MINUTE + 2


async def test_silence_may_be_asked_again_since_the_platform_drops_copies(platform: Platform, clock: FakeClock) -> None:
    async def slow(request: Request) -> None:
        if "message" in request.url.path:
            await asyncio.sleep(5)

    platform.before = slow
    async with WeComClient(settings(platform.url, deadline_s=1.0), clock) as client:
        with pytest.raises(TemporaryFailure):
            await send(client)


async def test_without_settings_it_says_what_to_set(clock: FakeClock) -> None:
    async with WeComClient(WeComSettings(_env_file=None), clock) as client:
        assert not client.is_configured
        with pytest.raises(NotConfigured, match="HUB_WECOM_CORP_ID"):
            await send(client)
