from typing import Any

import pytest

from simulators.platform.template_fields import problem


async def test_a_stable_token_stays_until_shortly_before_its_end(bench):
    first = await bench.token()
    bench.clock.advance(seconds=6000)
    assert await bench.token() == first
    bench.clock.advance(seconds=900)
    second = await bench.token()
    assert second != first
    # Both are good for the last five minutes of the first.
    assert (await bench.template(first))["errcode"] == (await bench.template(second))["errcode"] == 0
    bench.clock.advance(seconds=301)
    assert (await bench.template(first))["errcode"] == 42001


async def test_a_forced_token_ends_the_old_one_and_not_twice_within_30_s(bench):
    old = await bench.token()
    force = {"grant_type": "client_credential", "appid": "wx-demo", "secret": "wx-secret", "force_refresh": True}
    fresh = (await bench.platform.post("/cgi-bin/stable_token", json=force)).json()["access_token"]
    assert (await bench.template(old))["errcode"] == 42001
    assert (await bench.platform.post("/cgi-bin/stable_token", json=force)).json()["access_token"] == fresh


async def test_the_older_token_call_makes_a_new_one_each_time(bench):
    query = {"grant_type": "client_credential", "appid": "wx-demo", "secret": "wx-secret"}
    tokens = {(await bench.platform.get("/cgi-bin/token", params=query)).json()["access_token"] for _ in range(2)}
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("change", "code"), [({"appid": "other"}, 40013), ({"secret": "other"}, 40125), ({"grant_type": ""}, 40002)]
)
async def test_wrong_credentials_get_no_token(bench, change, code):
    body = {"grant_type": "client_credential", "appid": "wx-demo", "secret": "wx-secret"} | change
    assert (await bench.platform.post("/cgi-bin/stable_token", json=body)).json()["errcode"] == code


async def test_an_unknown_token_is_told_from_an_expired_one(bench):
    token = await bench.token()
    assert (await bench.template("never-issued"))["errcode"] == 40001
    await bench.platform.post("/wechat/expire-tokens")
    assert (await bench.template(token))["errcode"] == 42001


async def test_what_was_sent_is_kept(bench):
    answer = await bench.template(await bench.token(), data={"thing1": {"value": "3栋电梯"}})
    assert (answer["errcode"], answer["msgid"] > 0) == (0, True)
    kept = (await bench.messages(channel="wechat", to="o-owner"))[0]
    assert (kept["state"], kept["title"], kept["text"]) == ("delivered", "demo-work_order.done", "3栋电梯")


async def test_a_template_nobody_approved_is_refused(bench):
    assert (await bench.template(await bench.token(), template_id="demo-other"))["errcode"] == 40037


async def test_a_bad_field_is_named_and_the_refusal_is_kept(bench):
    answer = await bench.template(await bench.token(), data={"thing1": {"value": "长" * 21}})
    assert answer["errcode"] == 47003
    assert "thing1" in answer["errmsg"]
    assert (await bench.messages())[0]["state"] == "refused"


async def test_who_unfollowed_or_refused_gets_nothing(bench):
    token = await bench.token()
    await bench.platform.post("/wechat/send", json={"from": "o-owner", "event": "unsubscribe"})
    assert (await bench.template(token))["errcode"] == 43004
    await bench.platform.post("/wechat/send", json={"from": "o-owner", "event": "subscribe"})
    assert (await bench.template(token))["errcode"] == 0
    await bench.platform.put("/wechat/followers/o-owner", json={"accepts_messages": False})
    assert (await bench.template(token))["errcode"] == 43101


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thing1", "二十个字正好二十个字正好二十个字正好二十"),
        ("time2", "2026-11-22 10:42"),
        ("time2", "2026年11月22日 10:42"),
        ("time2", "10:42"),
        ("date3", "2026-11-22"),
        ("character_string4", "WO-20261122-0007"),
        ("phrase5", "处理中"),
        ("number6", "12.5"),
        ("name7", "张工"),
        ("amount8", "128.50元"),
        ("phone_number9", "0571-8888 6666"),
    ],
)
def test_right_values_are_accepted(name, value):
    assert problem({name: {"value": value}}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thing1", "字" * 21),
        ("thing1", "第一行\n第二行"),
        ("thing1", ""),
        ("thing1", "  "),
        ("thing1", 5),
        ("time2", "很快"),
        ("character_string3", "工单7"),
        ("character_string3", "x" * 33),
        ("phrase4", "正在处理中了"),
        ("phrase4", "OK"),
        ("number5", "十二"),
        ("first", "您好"),
        ("remark", "谢谢"),
        ("keyword1", "电梯"),
    ],
)
def test_wrong_values_are_refused_by_their_field(name, value):
    assert name in (problem({name: {"value": value}}) or "")


@pytest.mark.parametrize("data", [None, {}, [], "thing1"])
def test_a_message_without_fields_is_refused(data):
    assert problem(data)


async def test_an_oauth_code_is_good_once(bench):
    code = (await bench.platform.post("/wechat/codes/o-owner")).json()["code"]
    query = {"appid": "wx-demo", "secret": "wx-secret", "code": code, "grant_type": "authorization_code"}

    async def use(**change) -> Any:
        return (await bench.platform.get("/sns/oauth2/access_token", params=query | change)).json()

    assert (await use(secret="wrong"))["errcode"] == 40125
    assert (await use())["openid"] == "o-owner"
    assert (await use())["errcode"] == 40163
    assert (await use(code="made-up"))["errcode"] == 40029


async def test_the_login_page_sends_back_with_a_code_and_the_state(bench):
    query = {"redirect_uri": "http://hub.test/o?x=1", "state": "s", "openid": "o-owner"}
    answer = await bench.platform.get("/connect/oauth2/authorize", params=query)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("http://hub.test/o?x=1&code=")
    assert answer.headers["location"].endswith("&state=s")


async def test_a_menu_has_three_buttons_at_most(bench):
    async def create(buttons) -> Any:
        body, query = {"button": buttons}, {"access_token": await bench.token()}
        return (await bench.platform.post("/cgi-bin/menu/create", json=body, params=query)).json()["errcode"]

    button = {"name": "报修", "sub_button": [{"name": "x"}] * 5}
    assert await create([button] * 3) == 0
    assert await create([button] * 4) == 40016
    assert await create([{"name": "报修", "sub_button": [{"name": "x"}] * 6}]) == 40023


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[1]", b"{", b'"x"'])
async def test_nonsense_is_answered_as_wechat_does_never_with_a_500(bench, body):
    token = await bench.token()
    sent = await bench.platform.post("/cgi-bin/message/template/send", params={"access_token": token}, content=body)
    assert sent.status_code == 200
    assert sent.json()["errcode"] == 40003
    assert (await bench.platform.post("/cgi-bin/stable_token", content=body)).json()["errcode"] == 40002
