"""WeCom, SMS, voice, failures on demand, and the message log."""

from datetime import timedelta
from typing import Any

import pytest

from simulators.platform.aliyun_signature import expected_signature
from tests.simulators.platform.bench import NOW


async def wecom_token(bench) -> Any:
    query = {"corpid": "ww-demo", "corpsecret": "ww-secret"}
    return (await bench.platform.get("/wecom/cgi-bin/gettoken", params=query)).json()["access_token"]


async def card(bench, to: str = "zhang", *, title: str = "电梯困人", **changes) -> Any:
    body = {
        "touser": to, "msgtype": "textcard", "agentid": 1,
        "textcard": {"title": title, "description": "3栋2单元", "url": "http://hub.test/x"}, **changes,
    }  # fmt: skip
    query = {"access_token": await wecom_token(bench)}
    return (await bench.platform.post("/wecom/cgi-bin/message/send", params=query, json=body)).json()


async def sms(bench, *, nonce: str = "n1", secret: str = "key-secret", path: str = "/sms/", **changes) -> Any:
    form = {
        "Action": "SendSms", "Version": "2017-05-25", "AccessKeyId": "key-id", "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0", "SignatureNonce": nonce, "Timestamp": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "PhoneNumbers": "13800138000", "SignName": "云栖物业", "TemplateCode": "SMS_DEMO",
        "TemplateParam": '{"number": "WO-1"}', **changes,
    }  # fmt: skip
    form["Signature"] = expected_signature(form, method="POST", secret=secret)
    answer = await bench.platform.post(path, data=form)
    return answer.status_code, answer.json()


# --- WeCom --------------------------------------------------------------------------------------------------------


async def test_a_card_reaches_every_member_named(bench):
    assert (await card(bench, "zhang|li"))["errcode"] == 0
    assert {message["to"] for message in await bench.messages(channel="wecom")} == {"zhang", "li"}
    assert (await bench.messages(to="li"))[0]["title"] == "电梯困人"


async def test_the_31st_card_of_a_minute_vanishes_with_success(bench):
    for number in range(31):
        assert (await card(bench, title=f"{number}"))["errcode"] == 0
    states = [message["state"] for message in await bench.messages(limit="100")]
    assert (states.count("delivered"), states.count("dropped")) == (30, 1)
    bench.clock.advance(seconds=61)
    await card(bench, title="later")
    assert (await bench.messages())[0]["state"] == "delivered"


async def test_a_repeated_card_vanishes_when_the_sender_wants_that(bench):
    twice: dict[str, Any] = {"enable_duplicate_check": 1, "duplicate_check_interval": 1800}
    await card(bench, **twice)
    await card(bench, **twice)
    assert [message["state"] for message in await bench.messages()] == ["dropped", "delivered"]


async def test_members_out_of_reach_are_named(bench):
    await bench.platform.put("/wecom/members/zhang", json={"is_reachable": False})
    assert (await card(bench, "zhang|li"))["invaliduser"] == "zhang"
    assert (await card(bench, "zhang"))["errcode"] == 81013


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": ""}, 40035),
        ({"msgtype": "song"}, 40008),
        ({"agentid": None}, 40056),
        ({"textcard": {"title": "x", "description": "y", "url": ""}}, 40058),
    ],
)
async def test_a_card_that_is_none_is_refused(bench, change, code):
    assert (await card(bench, **change))["errcode"] == code


async def test_wecom_checks_its_own_tokens(bench):
    wrong = await bench.platform.get("/wecom/cgi-bin/gettoken", params={"corpid": "ww-demo", "corpsecret": "no"})
    assert wrong.json()["errcode"] == 40001
    query = {"access_token": await bench.token()}  # WeChat's
    assert (await bench.platform.post("/wecom/cgi-bin/message/send", params=query, json={})).json()["errcode"] == 40001


# --- SMS and voice ------------------------------------------------------------------------------------------------


def test_the_signature_of_the_documented_example():
    form = {
        "AccessKeyId": "testId", "Action": "SendSms", "Format": "XML", "OutId": "123", "PhoneNumbers": "15300000001",
        "RegionId": "cn-hangzhou", "SignName": "阿里云短信测试专用", "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466", "SignatureVersion": "1.0",
        "TemplateCode": "SMS_71390007", "TemplateParam": '{"customer":"test"}', "Timestamp": "2017-07-12T02:42:19Z",
        "Version": "2017-05-25",
    }  # fmt: skip
    assert expected_signature(form, method="GET", secret="testSecret") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


async def test_an_sms_is_accepted_and_kept_without_its_signature(bench):
    status, answer = await sms(bench)
    assert (status, answer["Code"], len(answer["BizId"])) == (200, "OK", 18)
    kept = (await bench.messages(channel="sms"))[0]
    assert (kept["to"], kept["title"], kept["text"]) == ("13800138000", "SMS_DEMO", "WO-1")
    assert "Signature" not in kept["detail"]


@pytest.mark.parametrize("path", ["/voice/", "/voice/calls"])
async def test_a_call_is_placed_and_kept(bench, path):
    call = {"Action": "SingleCallByTts", "CalledNumber": "13800138000", "TtsCode": "TTS_DEMO", "TtsParam": '{"a": "b"}'}
    _, answer = await sms(bench, path=path, **call)
    assert answer["CallId"]
    assert (await bench.messages(channel="voice"))[0]["to"] == "13800138000"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"secret": "wrong"}, 400, "SignatureDoesNotMatch"),
        ({"AccessKeyId": "other"}, 400, "InvalidAccessKeyId.NotFound"),
        ({"Timestamp": (NOW - timedelta(minutes=16)).strftime("%Y-%m-%dT%H:%M:%SZ")}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "yesterday"}, 400, "InvalidTimeStamp.Expired"),
        ({"Action": "SendFlowers"}, 404, "InvalidAction.NotFound"),
        ({"PhoneNumbers": "12345"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"SignName": "别家物业"}, 200, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"TemplateCode": ""}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateParam": "{"}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"number": 7}'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"number": "%s"}' % ("x" * 36)}, 200, "isv.PARAM_LENGTH_LIMIT"),
    ],
)
async def test_a_wrong_sms_is_refused_by_its_cause(bench, change, status, code):
    answered, answer = await sms(bench, **change)
    assert (answered, answer["Code"]) == (status, code)


async def test_a_nonce_is_good_once(bench):
    assert (await sms(bench, nonce="same"))[1]["Code"] == "OK"
    assert (await sms(bench, nonce="same"))[1]["Code"] == "SignatureNonceUsed"


# --- failures on demand and the log -------------------------------------------------------------------------------


async def test_a_channel_fails_as_often_as_told_and_then_no_more(bench):
    await bench.platform.post("/faults", json={"channel": "wechat", "errcode": "45009", "times": 2})
    token = await bench.token()
    assert [(await bench.template(token))["errcode"] for _ in range(3)] == [45009, 45009, 0]
    assert (await bench.platform.get("/faults")).json() == []


async def test_a_late_answer_still_sends_and_an_http_error_does_not(bench):
    await bench.platform.post("/faults", json={"channel": "sms", "delay_s": 0.05, "times": 1})
    assert (await sms(bench, nonce="a"))[1]["Code"] == "OK"
    await bench.platform.post("/faults", json={"channel": "wecom", "http_status": 503, "times": 1})
    query = {"access_token": await wecom_token(bench)}
    body = {"touser": "zhang", "msgtype": "text", "agentid": 1, "text": {"content": "x"}}
    answer = await bench.platform.post("/wecom/cgi-bin/message/send", params=query, json=body)
    assert answer.status_code == 503
    assert [(m["channel"], m["state"]) for m in await bench.messages()] == [("wecom", "refused"), ("sms", "delivered")]


async def test_a_failure_can_be_ended_and_must_say_how(bench):
    started = (await bench.platform.post("/faults", json={"channel": "sms", "errcode": "x"})).json()
    assert (await bench.platform.delete(f"/faults/{started['failure_id']}")).status_code == 204
    assert (await bench.platform.delete(f"/faults/{started['failure_id']}")).status_code == 404
    assert (await bench.platform.post("/faults", json={"channel": "sms"})).status_code == 422
    assert (await bench.platform.post("/faults", json={"channel": "pigeon", "errcode": "1"})).status_code == 422


async def test_a_message_is_acknowledged_once_and_the_log_can_be_cleared(bench):
    await card(bench)
    message_id = (await bench.messages())[0]["message_id"]
    acked = (await bench.platform.post("/messages/ack", json={"message_id": message_id})).json()
    bench.clock.advance(seconds=5)
    again = (await bench.platform.post("/messages/ack", json={"message_id": message_id})).json()
    assert acked["acked_at"] == again["acked_at"] is not None
    assert (await bench.platform.post("/messages/ack", json={"message_id": "nothing"})).status_code == 404
    await bench.platform.delete("/messages")
    assert await bench.messages() == []


async def test_only_later_messages_are_asked_for(bench):
    await card(bench, title="early")
    since = bench.clock.now().isoformat()
    bench.clock.advance(seconds=1)
    await card(bench, title="late")
    assert [message["title"] for message in await bench.messages(since=since)] == ["late"]


@pytest.mark.parametrize(
    "body",
    [
        {"from": "o-owner"},
        {"from": "o-owner", "text": "a", "event": "subscribe"},
        {"from": "', drop", "text": "a"},
        {"from": "o-owner", "text": "a", "mode": "loud"},
        {"text": "a"},
    ],
)
async def test_a_chat_that_makes_no_sense_is_refused(bench, body):
    assert (await bench.platform.post("/wechat/send", json=body)).status_code == 422


async def test_the_page_is_there_chinese_first(bench):
    page = await bench.platform.get("/")
    assert page.status_code == 200
    assert 'lang="zh-CN"' in page.text
    assert (await bench.platform.get("/healthz")).json()["status"] == "ok"
