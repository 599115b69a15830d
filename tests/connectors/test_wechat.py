"""The Official Account's client against a strict platform on a real socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.errors import AmbiguousOutcome, NotConfigured, PermanentFailure, TemporaryFailure
from connectors.wechat import WeChatClient, WeChatSettings
from kit.clock import FakeClock
from tests.connectors.platform import TOKEN_S, Platform, hanging_up, nobody_listens

DATA = {"thing1": "3栋2单元", "time2": "2026-11-22 10:42", "character_string3": "WO-20261122-0001"}


def settings(base_url: str, *, deadline_s: float = 5.0, secret: str = "s1") -> WeChatSettings:
    return WeChatSettings(
        _env_file=None, app_id="wx1", app_secret=SecretStr(secret), base_url=base_url, deadline_s=deadline_s
    )


@pytest.fixture
async def wechat(platform: Platform, clock: FakeClock) -> AsyncIterator[WeChatClient]:
    async with WeChatClient(settings(platform.url), clock) as client:
        yield client


async def send(client: WeChatClient, *, openid: str = "o-wang", data: dict[str, str] | None = None) -> str:
    return await client.send_template(
        openid=openid, template_id="T1", data=data or DATA, url="https://hub.example/o/1", client_msg_id="n" * 40
    )


async def test_a_template_message_arrives_as_it_was_meant(wechat: WeChatClient, platform: Platform) -> None:
    assert await send(wechat) == "200228332"
    [sent] = platform.sent
    assert sent["data"]["thing1"] == {"value": "3栋2单元"}
    assert sent["url"] == "https://hub.example/o/1"
    assert len(sent["client_msg_id"]) == 32


async def test_one_token_serves_many_calls_and_is_renewed_before_it_ends(
    wechat: WeChatClient, platform: Platform, clock: FakeClock
) -> None:
    for _ in range(3):
        await send(wechat)
    assert platform.token_requests == 1
    clock.advance(seconds=TOKEN_S - 301)
    await send(wechat)
    assert platform.token_requests == 1
    clock.advance(seconds=2)
    await send(wechat)
    assert platform.token_requests == 2


async def test_many_callers_at_once_fetch_one_token(wechat: WeChatClient, platform: Platform) -> None:
    await asyncio.gather(*(send(wechat) for _ in range(20)))
    assert platform.token_requests == 1
    assert len(platform.sent) == 20


async def test_a_refused_token_is_replaced_once_for_all_who_held_it(wechat: WeChatClient, platform: Platform) -> None:
    await send(wechat)
    platform.kill_token()
    await asyncio.gather(*(send(wechat) for _ in range(10)))
    assert len(platform.sent) == 11
    assert platform.token_requests == 2
    assert platform.forced == 0, "a forced token would kill every other process's"


async def test_a_token_that_stays_refused_is_forced_once_and_not_again_soon(
    wechat: WeChatClient, platform: Platform, clock: FakeClock
) -> None:
    platform.is_stubborn = True
    await send(wechat)
    platform.kill_token()
    await send(wechat)
    assert platform.forced == 1
    platform.kill_token()
    with pytest.raises(TemporaryFailure):
        await send(wechat)
    assert platform.forced == 1
    clock.advance(seconds=31)
    await send(wechat)
    assert platform.forced == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"openid": "o-stranger"}, "43004"),
        ({"data": DATA | {"thing1": "二十一个汉字就是太长了必须被平台拒绝掉才对吗"}}, "47003"),
        ({"data": DATA | {"thing1": "两行\n文字"}}, "47003"),
        ({"data": DATA | {"character_string3": "工单一"}}, "47003"),
    ],
)
async def test_what_the_platform_refuses_for_good_is_permanent(
    wechat: WeChatClient, platform: Platform, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(PermanentFailure) as caught:
        await send(wechat, **changes)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert platform.sent == []


@pytest.mark.parametrize(("code", "least_s"), [(-1, 1), (45011, 60)])
async def test_what_passes_says_when_to_come_back(
    wechat: WeChatClient, platform: Platform, code: int, least_s: float
) -> None:
    async def busy(request: Request) -> Response | None:
        return JSONResponse({"errcode": code, "errmsg": "busy"}) if "template" in request.url.path else None

    platform.before = busy
    with pytest.raises(TemporaryFailure) as caught:
        await send(wechat)
    assert caught.value.retry_after_s >= least_s


async def test_a_wrong_secret_is_permanent_and_never_shown(platform: Platform, clock: FakeClock) -> None:
    async with WeChatClient(settings(platform.url, secret="hush-hush"), clock) as client:
        with pytest.raises(PermanentFailure) as caught:
            await send(client)
    assert caught.value.code == "40125"
    assert "hush" not in str(caught.value)


async def test_silence_after_a_send_is_ambiguous(platform: Platform, clock: FakeClock) -> None:
    async def slow(request: Request) -> None:
        if "template" in request.url.path:
            await asyncio.sleep(5)

    platform.before = slow
    async with WeChatClient(settings(platform.url, deadline_s=1.0), clock) as client:
        with pytest.raises(AmbiguousOutcome) as caught:
            await send(client)
    assert caught.value.code == "timeout"


async def test_silence_about_a_token_is_only_temporary(platform: Platform, clock: FakeClock) -> None:
    async def slow(request: Request) -> None:
        await asyncio.sleep(5)

    platform.before = slow
    async with WeChatClient(settings(platform.url, deadline_s=1.0), clock) as client:
        with pytest.raises(TemporaryFailure):
            await send(client)


async def test_a_gateways_page_instead_of_an_answer_is_ambiguous(wechat: WeChatClient, platform: Platform) -> None:
    async def bad_gateway(request: Request) -> Response | None:
        return Response("<html>502</html>", status_code=502) if "template" in request.url.path else None

    platform.before = bad_gateway
    with pytest.raises(AmbiguousOutcome):
        await send(wechat)


async def test_a_platform_that_cannot_be_reached_did_nothing(clock: FakeClock) -> None:
    async with WeChatClient(settings(nobody_listens()), clock) as client:
        with pytest.raises(TemporaryFailure) as caught:
            await send(client)
    assert caught.value.code == "unreachable"


async def test_a_platform_that_hangs_up_on_the_token_did_nothing_that_matters(clock: FakeClock) -> None:
    async with hanging_up() as url, WeChatClient(settings(url), clock) as client:
        with pytest.raises(TemporaryFailure) as caught:
            await send(client)
    assert caught.value.code == "connection_lost"


async def test_without_settings_it_says_what_to_set_and_calls_nobody(platform: Platform, clock: FakeClock) -> None:
    async with WeChatClient(WeChatSettings(_env_file=None, base_url=platform.url), clock) as client:
        assert not client.is_configured
        for attempt in (send(client), client.media("M1"), client.exchange_code("c"), client.create_menu([{}])):
            with pytest.raises(NotConfigured, match="HUB_WECHAT_APP_ID"):
                await attempt
    assert platform.token_requests == 0


async def test_a_picture_comes_as_bytes_and_an_error_in_its_place_as_an_error(
    wechat: WeChatClient, platform: Platform
) -> None:
    media = await wechat.media("M1")
    assert (media.content_type, media.content) == ("image/jpeg", b"\xff\xd8\xff picture")
    with pytest.raises(PermanentFailure) as caught:
        await wechat.media("M404")
    assert caught.value.code == "40007"


async def test_a_picture_larger_than_we_take_is_refused_while_it_comes(
    wechat: WeChatClient, platform: Platform
) -> None:
    platform.media["M1"] = b"\xff\xd8" + bytes(11 * 1024 * 1024)
    with pytest.raises(PermanentFailure) as caught:
        await wechat.media("M1")
    assert caught.value.code == "too_large"


async def test_a_subscription_message_and_a_menu_go_out(wechat: WeChatClient, platform: Platform) -> None:
    await wechat.send_subscription(openid="o-wang", template_id="S1", data={"thing1": "已派单"})
    await wechat.create_menu([{"type": "click", "name": "进度", "key": "PROGRESS"}])
    assert [set(sent) & {"touser", "button"} for sent in platform.sent] == [{"touser"}, {"button"}]
    with pytest.raises(PermanentFailure) as caught:
        await wechat.send_subscription(openid="o-stranger", template_id="S1", data={})
    assert caught.value.code == "43101"


async def test_an_oauth_code_tells_who_came_and_virtual_users_are_marked(wechat: WeChatClient) -> None:
    identity = await wechat.exchange_code("c1")
    assert (identity.openid, identity.unionid, identity.is_snapshot_user) == ("o-wang", "u-1", False)
    assert (await wechat.exchange_code("virtual")).is_snapshot_user
    with pytest.raises(PermanentFailure) as caught:
        await wechat.exchange_code("used")
    assert caught.value.code == "40163"
