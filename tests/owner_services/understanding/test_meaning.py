"""What owners write, as they write it, and what it means."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from owner_services.understanding.meaning import LONGEST_TEXT, Intent, understand, understand_after
from owner_services.understanding.signs import SIGNS, Trouble

REPORTS = [
    # elevator
    ("3栋2单元电梯不动了", Trouble.ELEVATOR, "elevator_fault"),
    ("电梯又坏了，天天坏", Trouble.ELEVATOR, "elevator_fault"),
    ("电梯等了十分钟不来", Trouble.ELEVATOR, "elevator_fault"),
    ("电梯停在5楼不走了", Trouble.ELEVATOR, "elevator_fault"),
    ("按了电梯没反应", Trouble.ELEVATOR, "elevator_fault"),
    ("2号梯坏了", Trouble.ELEVATOR, "elevator_fault"),
    ("坏了的电梯什么时候能修", Trouble.ELEVATOR, "elevator_fault"),
    ("电梯突然往下掉吓死了", Trouble.ELEVATOR, "elevator_fault"),
    ("电梯门关不上", Trouble.ELEVATOR, "door_stuck"),
    ("电梯门一直开开关关", Trouble.ELEVATOR, "door_stuck"),
    ("3栋电梯夹人", Trouble.ELEVATOR, "door_stuck"),
    ("电梯停下来高了一截", Trouble.ELEVATOR, "levelling_error"),
    ("电梯不平层", Trouble.ELEVATOR, "levelling_error"),
    ("电梯运行有异响还抖", Trouble.ELEVATOR, "elevator_noise"),
    ("电梯修好了又坏了", Trouble.ELEVATOR, "elevator_fault"),
    # somebody inside
    ("电梯里困人了", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("我被困在电梯里了", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("3栋2单元电梯关人了快来", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("孩子被关电梯里了", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("有老人卡在电梯里面", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("电梯卡住了里面有人", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("电梯停在5楼不动，门打不开，我在里面出不来", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("电梯停电了，里面还有人", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("困梯了救命", Trouble.ENTRAPMENT, "passenger_trapped"),
    ("电梯困住两个人", Trouble.ENTRAPMENT, "passenger_trapped"),
    # not now, or not at all
    ("怕被困在电梯里", Trouble.ELEVATOR, None),
    ("昨天电梯困人了你们管不管", Trouble.ELEVATOR, None),
    ("电梯坏了，还好没有人被困", Trouble.ELEVATOR, "elevator_fault"),
    ("差点被困电梯", Trouble.ELEVATOR, None),
    # fire and gas
    ("3栋楼道着火了", Trouble.FIRE, "smoke_detected"),
    ("地下室有浓烟", Trouble.FIRE, "smoke_detected"),
    ("隔壁冒烟", Trouble.FIRE, "smoke_detected"),
    ("家里烟雾报警器一直响", Trouble.FIRE, "smoke_detected"),
    ("厨房有股糊味", Trouble.FIRE, "smoke_detected"),
    ("电动车自燃了", Trouble.FIRE, "smoke_detected"),
    ("楼道里有人抽烟", Trouble.PUBLIC_AREA, None),
    ("油烟味很大", Trouble.PUBLIC_AREA, None),
    ("煤气味很重", Trouble.GAS, None),
    ("闻到天然气味道", Trouble.GAS, None),
    ("燃气泄漏", Trouble.GAS, None),
    # water
    ("厨房漏水", Trouble.WATER_LEAK, "pipe_leak"),
    ("楼上漏水漏到我家天花板了", Trouble.WATER_LEAK, "pipe_leak"),
    ("水管爆了，水喷得到处都是", Trouble.WATER_LEAK, "pipe_leak"),
    ("卫生间墙面渗水", Trouble.WATER_LEAK, "pipe_leak"),
    ("水龙头关不紧", Trouble.WATER_LEAK, "pipe_leak"),
    ("车库积水了", Trouble.WATER_LEAK, "pipe_leak"),
    ("电梯口漏水", Trouble.WATER_LEAK, "pipe_leak"),
    ("马桶堵了", Trouble.DRAINAGE, None),
    ("地漏返水", Trouble.DRAINAGE, None),
    ("地漏水下不去", Trouble.DRAINAGE, None),
    ("下水道堵了往外冒水", Trouble.DRAINAGE, None),
    ("家里没水了", Trouble.NO_WATER, "no_water"),
    ("停水了什么时候来水", Trouble.NO_WATER, "no_water"),
    ("整栋楼都没有水", Trouble.NO_WATER, "no_water"),
    ("水压太低洗不了澡", Trouble.NO_WATER, "low_pressure"),
    ("水很小", Trouble.NO_WATER, "low_pressure"),
    ("没热水", Trouble.HVAC, None),
    ("空调不制冷", Trouble.HVAC, None),
    ("暖气不热", Trouble.HVAC, None),
    # power, light, doors
    ("家里停电了", Trouble.POWER, "power_loss"),
    ("整个单元断电", Trouble.POWER, "power_loss"),
    ("一直跳闸", Trouble.POWER, "power_loss"),
    ("插座冒火花", Trouble.POWER, None),
    ("洗衣机漏电", Trouble.POWER, None),
    ("楼道灯不亮", Trouble.LIGHTING, None),
    ("电梯厅灯不亮", Trouble.LIGHTING, None),
    ("路灯坏了", Trouble.LIGHTING, None),
    ("走廊太黑了", Trouble.LIGHTING, None),
    ("单元门打不开", Trouble.DOOR_LOCK, None),
    ("门禁刷不开", Trouble.DOOR_LOCK, None),
    ("门锁没电了", Trouble.DOOR_LOCK, None),
    ("对讲没声音", Trouble.DOOR_LOCK, None),
    ("钥匙断在锁里了", Trouble.DOOR_LOCK, None),
    # life
    ("半夜装修太吵", Trouble.NOISE, None),
    ("楼下广场舞扰民", Trouble.NOISE, None),
    ("电梯广告声音太大", Trouble.NOISE, None),
    ("垃圾没人清理", Trouble.PUBLIC_AREA, None),
    ("电梯里有狗尿", Trouble.PUBLIC_AREA, None),
    ("有人占我车位", Trouble.PUBLIC_AREA, None),
    ("井盖松了", Trouble.PUBLIC_AREA, None),
    ("外墙瓷砖掉了", Trouble.PUBLIC_AREA, None),
    ("电动车上楼充电", Trouble.PUBLIC_AREA, None),
    ("我要投诉保安", Trouble.COMPLAINT, None),
    ("水费怎么交", Trouble.INQUIRY, None),
    ("燃气费怎么交", Trouble.INQUIRY, None),
    ("门禁卡怎么办理", Trouble.INQUIRY, None),
    ("电梯卡丢了怎么补", Trouble.INQUIRY, None),
    ("物业电话多少", Trouble.INQUIRY, None),
    ("装修手续怎么办", Trouble.INQUIRY, None),
    ("WIFI坏了", Trouble.OTHER, None),
    ("帮我修一下柜子", Trouble.OTHER, None),
]


@pytest.mark.parametrize(("text", "trouble", "fault_mode"), REPORTS, ids=[row[0] for row in REPORTS])
def test_a_report_is_understood(text: str, trouble: Trouble, fault_mode: str | None) -> None:
    meaning = understand(text)
    assert (meaning.intent, meaning.trouble, meaning.fault_mode) == (Intent.REPORT, trouble, fault_mode)


@pytest.mark.parametrize(("text", "trouble", "fault_mode"), REPORTS, ids=[row[0] for row in REPORTS])
def test_a_place_before_it_changes_no_report(text: str, trouble: Trouble, fault_mode: str | None) -> None:
    meaning = understand(f"你好，我是三栋二单元五〇二室的，{text}")
    assert (meaning.trouble, meaning.fault_mode) == (trouble, fault_mode)
    assert (meaning.place.building, meaning.place.unit, meaning.place.room) == ("3", "2", "502")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("进度", Intent.PROGRESS),
        ("查一下我的报修", Intent.PROGRESS),
        ("修好了吗", Intent.PROGRESS),
        ("师傅什么时候来", Intent.PROGRESS),
        ("电梯什么时候修好", Intent.PROGRESS),
        ("怎么还不来", Intent.PROGRESS),
        ("电梯还没修好", Intent.PROGRESS),
        ("催一下师傅什么时候来", Intent.PROGRESS),
        ("WO-20261122-0007", Intent.PROGRESS),
        ("电梯坏了现在好了", Intent.PROGRESS),
        ("已经来水了", Intent.PROGRESS),
        ("你好", Intent.UNCLEAR),
        ("在吗", Intent.UNCLEAR),
        ("？", Intent.UNCLEAR),
        ("电梯", Intent.UNCLEAR),
        ("3栋2单元", Intent.UNCLEAR),
        ("我要报修", Intent.UNCLEAR),
        ("我家遥控器没电了", Intent.UNCLEAR),
        ("", Intent.UNCLEAR),
        ("好的，谢谢", Intent.THANKS),
        ("收到", Intent.THANKS),
        ("谢谢师傅", Intent.THANKS),
    ],
)
def test_what_is_no_report_opens_nothing(text: str, intent: Intent) -> None:
    assert understand(text).intent is intent


@pytest.mark.parametrize(
    ("text", "intent", "argument"),
    [
        ("绑定 7KQ3MX9T", Intent.BIND_CODE, "7KQ3MX9T"),
        ("绑定7kq3mx9t", Intent.BIND_CODE, "7KQ3MX9T"),
        ("绑定：７ＫＱ３ＭＸ９Ｔ", Intent.BIND_CODE, "7KQ3MX9T"),
        ("绑定邀请码 7KQ3MX9T", Intent.BIND_CODE, "7KQ3MX9T"),
        ("绑定 13800001111", Intent.BIND_PHONE, "13800001111"),
        ("绑定手机号13800001111", Intent.BIND_PHONE, "13800001111"),
        ("123456", Intent.VERIFY, "123456"),
        ("验证码：012345", Intent.VERIFY, "012345"),
    ],
)
def test_binding_is_recognised_in_every_way_of_typing_it(text: str, intent: Intent, argument: str) -> None:
    meaning = understand(text)
    assert (meaning.intent, meaning.argument) == (intent, argument)


@pytest.mark.parametrize("text", ["绑定", "绑定 123", "绑定 12345678901234", "1234567", "12345"])
def test_what_only_looks_like_binding_is_none(text: str) -> None:
    assert understand(text).intent is Intent.UNCLEAR


@pytest.mark.parametrize(
    ("text", "is_shared", "is_public", "is_fixture"),
    [
        ("整栋楼都停水了", True, False, False),
        ("小区停电了", True, True, False),
        ("邻居家也没水", True, False, False),
        ("楼道灯不亮", False, True, False),
        ("车库漏水", False, True, False),
        ("厨房水龙头不出水", False, False, True),
        ("只有我家没水", False, False, True),
        ("家里没水", False, False, False),
    ],
)
def test_whom_it_concerns(text: str, is_shared: bool, is_public: bool, is_fixture: bool) -> None:
    meaning = understand(text)
    assert (meaning.is_shared, meaning.is_public, meaning.is_fixture) == (is_shared, is_public, is_fixture)


@pytest.mark.parametrize(
    ("asked_about", "text", "trouble", "place"),
    [
        ("电梯坏了", "3栋2单元", Trouble.ELEVATOR, ("3", "2")),
        ("3栋电梯坏了", "2单元", Trouble.ELEVATOR, ("3", "2")),
        ("3栋2单元电梯", "按了没反应", Trouble.ELEVATOR, ("3", "2")),
        ("9栋1单元电梯坏了", "说错了，是3栋2单元", Trouble.ELEVATOR, ("3", "2")),
        ("电梯坏了", "厨房漏水", Trouble.WATER_LEAK, (None, None)),
        ("9栋1单元电梯坏了", "3栋1单元电梯门关不上", Trouble.ELEVATOR, ("3", "1")),
        ("厨房漏水", "5栋那套", Trouble.WATER_LEAK, ("5", None)),
    ],
)
def test_an_answer_to_our_question_completes_what_was_said(
    asked_about: str, text: str, trouble: Trouble, place: tuple[str | None, str | None]
) -> None:
    meaning = understand_after(asked_about, text)
    assert meaning.trouble is trouble
    assert (meaning.place.building, meaning.place.unit) == place


@pytest.mark.parametrize("text", ["进度", "谢谢", "绑定 7KQ3MX9T"])
def test_what_needs_no_completion_is_not_mixed_with_the_question(text: str) -> None:
    assert understand_after("电梯坏了", text) == understand(text)


def test_what_endangers_life_stands_first_in_the_table() -> None:
    dangerous = [sign.trouble.is_dangerous for sign in SIGNS]
    assert dangerous == sorted(dangerous, reverse=True)


@given(st.text(max_size=300))
def test_no_text_whatever_breaks_it(text: str) -> None:
    assert understand(text).intent in Intent


def test_the_longest_text_is_understood_at_once() -> None:
    hard = "电梯门被困在堵住人我孩子" * (LONGEST_TEXT // 10)
    began = time.perf_counter()
    understand(hard)
    assert time.perf_counter() - began < 2, "a liveness bound: patterns must not backtrack without end"
