"""Every kind of message, crowds, and a database that is away."""

import asyncio

import pytest
from sqlalchemy import text

from tests.owner_services.conftest import House


async def test_a_message_that_cannot_be_kept_is_answered_so_that_it_is_sent_again(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    async with house.database.transaction() as session:
        await session.execute(text("ALTER TABLE wechat_message RENAME TO elsewhere"))
    answer = await house.platform.say("o-wang", "厨房漏水")
    async with house.database.transaction() as session:
        await session.execute(text("ALTER TABLE elsewhere RENAME TO wechat_message"))
    assert "请稍后再发一次" in answer
    assert await house.reports() == []
    lost = {"kind": "text", "outcome": "lost"}
    assert house.registry.get_sample_value("hub_wechat_messages_total", lost) == 1


async def test_many_owners_at_once_are_all_answered(house: House) -> None:
    answers = await asyncio.gather(*(house.platform.say(f"o-{n}", "3栋2单元电梯不动了") for n in range(12)))
    assert all("WO-20261122-0001" in answer for answer in answers)
    assert len(await house.orders()) == 1
    assert len(await house.reports()) == 12


async def test_old_messages_and_codes_are_dropped(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    await house.platform.say("o-new", "绑定 13800001111")
    house.clock.advance(seconds=91 * 86400)
    await house.platform.say("o-wang", "进度")
    for sweep in house.services.sweeps():
        async with house.database.transaction() as session:
            await sweep.call(session)
    assert [message.text for message in await house.messages()] == ["进度"]


async def test_somebody_who_reports_without_end_is_asked_to_call_but_never_in_danger(house: House) -> None:
    for _ in range(20):
        await house.platform.say("o-1", "3栋2单元电梯不动了")
    assert "请直接拨打服务中心电话" in await house.platform.say("o-1", "3栋2单元电梯不动了")
    assert "不要扒门" in await house.platform.say("o-1", "3栋2单元电梯困人")


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"MsgType": "voice", "MediaId": "V1", "Format": "amr", "Recognition": "三栋二单元电梯不动了"}, "WO-"),
        ({"MsgType": "voice", "MediaId": "V1", "Format": "amr"}, "只能看懂文字和照片"),
        ({"MsgType": "video", "MediaId": "V1", "ThumbMediaId": "T1"}, "只能看懂文字和照片"),
        ({"MsgType": "hologram"}, "只能看懂文字和照片"),
        ({"MsgType": "text", "Content": "   "}, "只能看懂文字和照片"),
        ({"MsgType": "text", "Content": "]]></Content><x>"}, "请直接说明"),
    ],
)
async def test_every_kind_of_message_gets_a_sensible_answer(
    house: House, fields: dict[str, str | int], answer: str
) -> None:
    assert answer in await house.platform.deliver(house.platform.xml("o-1", **fields))


@pytest.mark.parametrize("event", ["LOCATION", "VIEW", "SCAN", "subscribe_msg_sent_event", "新事件"])
async def test_events_without_a_question_are_noted_and_not_answered(house: House, event: str) -> None:
    assert await house.platform.event("o-1", event, EventKey="x", Latitude="30.2", Longitude="120.1") == ""


async def test_the_menu_shows_progress(house: House) -> None:
    await house.platform.say("o-1", "3栋2单元电梯不动了")
    assert "WO-20261122-0001" in await house.platform.event("o-1", "CLICK", EventKey="PROGRESS")
    assert "请直接说明位置" in await house.platform.event("o-1", "CLICK", EventKey="REPORT")


async def test_a_template_that_the_user_blocked_goes_on_to_sms(house: House) -> None:
    from notify.models import Notification
    from notify.service import Notice

    owner = await house.site.resident("3-2-502", openid="o-wang")
    facts = {"place": "3栋2单元", "time": "2026-11-22T04:00:00+00:00"}
    notice = Notice(key="k", person_id=owner, template="elevator.outage", facts=facts, site_id=house.site.site_id)
    async with house.database.transaction() as session:
        await house.notify.tell(session, notice)
        [row] = await session.scalars(text("SELECT id FROM notification"))
        sent = await session.get_one(Notification, row)
        sent.state, sent.provider_id = "sent", "200228332"
    xml = house.platform.xml(
        "o-wang",
        MsgType="event",
        Event="TEMPLATESENDJOBFINISH",
        MsgId="",
        MsgID="200228332",
        Status="failed:user block",
    )
    assert await house.platform.deliver(xml) == ""
    states = {row.channel: row.state for row in await house.notifications()}
    assert states == {"wechat": "failed", "sms": "queued"}
