"""What owners write and what they are answered, through the signed door."""

import io
from datetime import timedelta

import pytest
from PIL import Image

from connectors.errors import PermanentFailure, TemporaryFailure
from tests.owner_services.conftest import House


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return out.getvalue()


async def test_a_leak_at_home_becomes_a_report_of_that_home(house: House) -> None:
    owner = await house.site.resident("3-2-502", openid="o-wang")
    answer = await house.platform.say("o-wang", "厨房漏水")
    assert answer.startswith("已收到，报修单 WO-20261122-0001（3栋2单元502），")
    [report] = await house.reports()
    assert (report.reporter_id, report.space_id) == (owner, house.site.rooms["3-2-502"])
    assert (report.category, report.channel, report.text) == ("water_leak", "wechat", "厨房漏水")


async def test_an_elevator_is_found_by_building_and_unit(house: House) -> None:
    await house.site.resident("5-1-101", openid="o-li")
    answer = await house.platform.say("o-li", "3栋2单元电梯不动了")
    assert "3栋2单元电梯" in answer
    [order] = await house.orders()
    assert order.equipment_id == house.site.equipment["LIFT-32"]


async def test_without_a_place_the_elevator_is_that_of_the_home(house: House) -> None:
    await house.site.resident("5-2-301", openid="o-li")
    await house.platform.say("o-li", "电梯门关不上")
    [order] = await house.orders()
    assert order.equipment_id == house.site.equipment["LIFT-52"]


async def test_two_owners_of_one_elevator_share_an_order_and_know_nothing_of_each_other(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang", name="王女士")
    await house.site.resident("3-2-602", openid="o-zhao", name="赵先生", phone="13800002222")
    first = await house.platform.say("o-wang", "3栋2单元电梯不动了，我是王女士 13800001111")
    second = await house.platform.say("o-zhao", "电梯又坏了")
    [order] = await house.orders()
    assert order.number in first
    assert second.startswith(f"已收到，3栋2单元电梯已有报修 {order.number}，")
    assert len(await house.reports()) == 2
    progress = await house.platform.say("o-zhao", "进度")
    assert order.number in progress
    for secret in ("王女士", "13800001111", "不动了"):
        assert secret not in second + progress


async def test_no_water_in_a_home_is_the_matter_of_its_riser_but_a_tap_is_not(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "家里停水了")
    await house.platform.say("o-wang", "厨房水龙头不出水")
    riser, tap = await house.orders()
    assert riser.equipment_id == house.site.equipment["RISER-3"]
    assert (tap.equipment_id, tap.space_id) == (None, house.site.rooms["3-2-502"])


async def test_a_question_about_bills_goes_to_customer_service(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    answer = await house.platform.say("o-wang", "水费怎么交")
    assert "咨询" in answer
    assert [report.category for report in await house.reports()] == ["inquiry"]


async def test_somebody_trapped_starts_a_rescue_and_is_told_what_to_do(house: House) -> None:
    answer = await house.platform.say("o-stranger", "3栋2单元电梯里困人了")
    [order] = await house.orders()
    assert (order.kind, order.priority, order.equipment_id) == ("entrapment", 1, house.site.equipment["LIFT-32"])
    assert "不要扒门" in answer
    assert "96333，报救援识别码 330132" in answer


async def test_danger_without_a_place_is_taken_at_once_and_the_place_asked_for(house: House) -> None:
    answer = await house.platform.say("o-stranger", "电梯困人了快来")
    assert "请再告诉我们具体位置" in answer
    assert [order.kind for order in await house.orders()] == ["entrapment"]


@pytest.mark.parametrize(("words", "advice"), [("楼道里有浓烟", "119"), ("厨房燃气味很重", "关闭燃气阀门")])
async def test_fire_and_gas_are_answered_with_what_saves_lives(house: House, words: str, advice: str) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    assert advice in await house.platform.say("o-wang", words)
    assert len(await house.orders()) == 1


async def test_an_unclear_word_is_answered_with_a_question_and_the_next_word_completes_it(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    assert "电梯怎么了" in await house.platform.say("o-wang", "5栋1单元电梯")
    assert await house.orders() == []
    assert "WO-" in await house.platform.say("o-wang", "按了没反应")
    [order] = await house.orders()
    assert order.equipment_id == house.site.equipment["LIFT-51"]


async def test_somebody_unknown_is_asked_where_and_then_reports_a_public_elevator(house: House) -> None:
    assert "绑定" in await house.platform.say("o-stranger", "电梯不动了")
    assert await house.orders() == []
    assert "WO-" in await house.platform.say("o-stranger", "3栋1单元")
    [order] = await house.orders()
    assert order.equipment_id == house.site.equipment["LIFT-31"]
    assert order.number in await house.platform.say("o-stranger", "修好了吗")
    assert "没有进行中的报修" in await house.platform.say("o-other", "进度")


async def test_somebody_unknown_cannot_report_for_a_home(house: House) -> None:
    assert "绑定" in await house.platform.say("o-stranger", "厨房漏水")
    assert await house.orders() == []


async def test_an_old_question_is_forgotten(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "5栋1单元电梯")
    house.clock.advance(seconds=601)
    assert "WO-" not in await house.platform.say("o-wang", "一直不动")


async def test_a_building_that_is_not_there_is_asked_about(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    assert "没有找到您说的楼栋" in await house.platform.say("o-wang", "9栋1单元电梯坏了")
    assert "没有找到您说的单元" in await house.platform.say("o-wang", "3栋7单元电梯坏了")
    assert "几单元的电梯" in await house.platform.say("o-wang", "5栋电梯坏了")
    assert "WO-" in await house.platform.say("o-wang", "2单元")


async def test_an_owner_of_two_homes_is_asked_which(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.site.resident("5-1-101")
    answer = await house.platform.say("o-wang", "厨房漏水")
    assert "3栋2单元502" in answer
    assert "5栋1单元101" in answer
    assert "5栋1单元101" in await house.platform.say("o-wang", "5栋那套")
    [report] = await house.reports()
    assert report.space_id == house.site.rooms["5-1-101"]


async def test_greetings_and_thanks_are_answered_and_open_nothing(house: House) -> None:
    assert "请直接说明位置和问题" in await house.platform.say("o-wang", "你好")
    assert "不客气" in await house.platform.say("o-wang", "好的，谢谢")
    assert await house.orders() == []


# --- pictures --------------------------------------------------------------------------------------------------------


async def test_a_picture_sent_next_is_attached_to_the_report(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    house.wechat.stored["M1"] = picture()
    assert "会附到报修单 WO-20261122-0001" in await house.platform.picture("o-wang", "M1")
    assert await house.run_jobs() == 1
    [attachment] = await house.attachments()
    [report] = await house.reports()
    assert attachment.report_id == report.id


async def test_a_picture_sent_first_waits_for_the_words(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    house.wechat.stored["M1"] = picture()
    assert "请用一句话说明" in await house.platform.picture("o-wang", "M1")
    assert await house.run_jobs() == 0
    await house.platform.say("o-wang", "厨房漏水")
    assert await house.run_jobs() == 1
    assert len(await house.attachments()) == 1


async def test_a_picture_long_after_belongs_to_nothing_yet(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    house.clock.advance(seconds=601)
    assert "请用一句话说明" in await house.platform.picture("o-wang", "M1")


async def test_another_users_picture_is_not_attached(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    assert "请用一句话说明" in await house.platform.picture("o-stranger", "M1")


async def test_a_picture_that_cannot_be_had_is_counted_and_not_asked_for_again(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    house.wechat.stored |= {"M1": b"no picture", "M2": PermanentFailure("wechat", "40007", "invalid media_id")}
    for media_id in ("M1", "M2"):
        await house.platform.picture("o-wang", media_id)
    await house.run_jobs()
    assert await house.attachments() == []
    assert house.registry.get_sample_value("hub_wechat_pictures_total", {"outcome": "refused"}) == 2


async def test_a_picture_that_cannot_be_had_just_now_is_the_jobs_to_repeat(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    await house.platform.say("o-wang", "厨房漏水")
    house.wechat.stored["M1"] = TemporaryFailure("wechat", "-1", "busy")
    await house.platform.picture("o-wang", "M1")
    with pytest.raises(TemporaryFailure):
        await house.run_jobs()


# --- following and binding -------------------------------------------------------------------------------------------


async def test_following_and_leaving_decide_the_channel(house: House) -> None:
    owner = await house.site.resident("3-2-502", openid="o-wang")
    for event, follows in (("unsubscribe", False), ("subscribe", True)):
        await house.platform.event("o-wang", event)
        async with house.database.transaction() as session:
            assert (await house.site.people.contact(session, owner)).follows_wechat is follows
        house.clock.advance(seconds=1)


async def test_an_invitation_binds_once(house: House) -> None:
    staff = await house.site.staff()
    room = house.site.rooms["3-2-502"]
    invited = await house.http.post(
        f"/api/v1/homes/{room}/invitations", json={"name": "王女士"}, headers=house.bearer("dispatcher", staff)
    )
    assert invited.status_code == 201
    code = invited.json()["code"]
    assert "绑定成功：3栋2单元502" in await house.platform.say("o-new", f"绑定 {code.lower()}")
    assert "已失效" in await house.platform.say("o-thief", f"绑定{code}")
    assert "WO-" in await house.platform.say("o-new", "厨房漏水")


async def test_a_second_invitation_adds_a_home_to_the_same_person(house: House) -> None:
    staff = await house.site.staff()
    for room in ("3-2-502", "5-1-101"):
        invited = await house.http.post(
            f"/api/v1/homes/{house.site.rooms[room]}/invitations", json={"name": "王女士"},
            headers=house.bearer("manager", staff),
        )  # fmt: skip
        answer = await house.platform.say("o-new", f"绑定 {invited.json()['code']}")
    assert "3栋2单元502、5栋1单元101" in answer


async def test_an_old_invitation_is_worth_nothing(house: House) -> None:
    staff = await house.site.staff()
    invited = await house.http.post(
        f"/api/v1/homes/{house.site.rooms['3-2-502']}/invitations", json={"name": "王女士"},
        headers=house.bearer("dispatcher", staff),
    )  # fmt: skip
    house.clock.advance(seconds=timedelta(days=31).total_seconds())
    assert "已失效" in await house.platform.say("o-new", f"绑定 {invited.json()['code']}")


async def test_guessing_codes_ends_after_a_few(house: House) -> None:
    for number in range(5):
        assert "邀请码不正确" in await house.platform.say("o-thief", f"绑定 AAAA000{number}")
    assert "尝试次数过多" in await house.platform.say("o-thief", "绑定 AAAA0009")


async def sent_code(house: House) -> str:
    [notification] = [one for one in await house.notifications() if one.template == "verification.code"]
    assert notification.channel == "sms"
    return str(notification.facts["code"])


async def test_a_phone_known_to_us_gets_a_code_that_binds(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    assert "验证码会以短信发出" in await house.platform.say("o-new", "绑定 13800001111")
    code = await sent_code(house)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert "验证码不正确" in await house.platform.say("o-new", wrong)
    assert "验证码不正确" in await house.platform.say("o-thief", code)
    assert "绑定成功" in await house.platform.say("o-new", code)
    async with house.database.transaction() as session:
        assert (await house.site.people.contact(session, owner)).openid == "o-new"


async def test_an_unknown_phone_or_that_of_staff_is_answered_alike_and_sent_nothing(house: House) -> None:
    await house.site.staff(phone="13900002222")
    answers = {await house.platform.say("o-1", f"绑定 {phone}") for phone in ("13700000000", "13900002222")}
    assert len(answers) == 1
    assert await house.notifications() == []


async def test_a_code_grows_old(house: House) -> None:
    await house.site.resident("3-2-502")
    await house.platform.say("o-new", "绑定 13800001111")
    code = await sent_code(house)
    house.clock.advance(seconds=601)
    assert "已过期" in await house.platform.say("o-new", code)


async def test_codes_are_not_sent_without_end(house: House) -> None:
    await house.site.resident("3-2-502")
    for _ in range(6):
        answer = await house.platform.say("o-new", "绑定 13800001111")
        house.clock.advance(seconds=1)
    assert "尝试次数过多" in answer
    assert len(await house.notifications()) == 5
