"""What an owner wants: to report, to ask how it stands, to bind, or something we must ask about. Pure."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from owner_services.understanding.place import Place, normalised, parse_place
from owner_services.understanding.signs import Trouble
from owner_services.understanding.trouble import find_trouble

LONGEST_TEXT = 2048  # WeChat allows 2,048 bytes; what is longer did not come from there


class Intent(StrEnum):
    REPORT = "report"
    PROGRESS = "progress"
    BIND_CODE = "bind_code"
    BIND_PHONE = "bind_phone"
    VERIFY = "verify"
    THANKS = "thanks"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Meaning:
    """`argument`: the invitation code, phone or verification code of a binding.

    `is_shared`: it concerns more than one home. `is_public`: it happens outside the home. `is_fixture`: it is about
    one tap or appliance, so that no pump is to blame. `topic`: what is spoken of although nothing is said to be wrong.
    """

    intent: Intent
    text: str
    place: Place = field(default_factory=Place)
    trouble: Trouble | None = None
    fault_mode: str | None = None
    is_shared: bool = False
    is_public: bool = False
    is_fixture: bool = False
    topic: Trouble | None = None
    argument: str = ""


_BIND_PHONE = re.compile(r"^绑定\s*(?:手机号?)?[::]?\s*(1[3-9]\d{9})$")
_BIND_CODE = re.compile(r"^绑定\s*(?:邀请码|码)?[::]?\s*([0-9A-Za-z]{8})$")
_VERIFY = re.compile(r"^(?:验证码)?\s*[::]?\s*(\d{6})$")
_THANKS = re.compile(
    r"^(?:好的?|嗯+|哦+|ok|收到|知道了|明白|行|可以|多谢|感谢|辛苦了?|谢谢?.{0,4}|[,。!.~ ])+$", re.IGNORECASE
)
_PROGRESS = re.compile(
    r"进度|进展|催[单一]|快点|到哪|来了[吗没么]|(?:修|处理|弄|解决)(?:好|完)了?[吗没么]|修得怎么样|查(?:询|看|一下)?(?:我的)?报修|我的报修|我的工单"
    r"|(?:什么时候|啥时候|几时|何时|多久|几点|还要多长时间).{0,8}(?:修|来|到|好|恢复|处理|解决)|还(?:没|不|未)(?:有)?(?:人)?(?:来|修|到|好|处理)|WO-\d",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(?<![没不])(?:已经|现在|都|刚刚?)(?:修)?好了(?![吗没么])|(?<![没不])修好了(?![吗没么])|恢复(?:正常)?了|正常了|来[水电]了(?![吗没么])|不用(?:来|修)了"
)
_AGAIN = re.compile(r"又|还是|仍然|再次")
_SHARED = re.compile(
    r"整[个栋幢座]|全[楼栋小]|我们[楼栋单]|这[栋单]|大家|邻居.{0,4}也|家家|好几[户家]|都[没停断]|楼上楼下|小区.{0,4}[停没断]|单元[停没断都]"
)
_PUBLIC = re.compile(
    r"楼道|走廊|过道|大堂|大厅|门厅|电梯|车库|停车场|车位|地下室|地库|楼下|楼顶|天台|屋面|小区|路灯|路[上面边口]|花园|草坪|绿化|单元门|大门|楼梯|公共"
    r"|广场|泳池|会所|快递柜|信箱|架空层|连廊|消防通道|围墙|井盖|垃圾[桶站]|门禁|道闸"
)
_FIXTURE = re.compile(
    r"龙头|花洒|淋浴|马桶|热水器|净水|洗衣机|厨房|卫生间|洗手间|厕所|阳台|只有我家|就我家|单独我家|水表"
)
_TOPICS = (
    (re.compile(r"电梯|客梯|货梯"), Trouble.ELEVATOR),
    (re.compile(r"水"), Trouble.NO_WATER),
    (re.compile(r"电"), Trouble.POWER),
    (re.compile(r"门|锁"), Trouble.DOOR_LOCK),
    (re.compile(r"灯"), Trouble.LIGHTING),
)


_QUESTION = re.compile(
    r"怎么|怎样|如何|哪里|哪儿|在哪|去哪|几点|多少|什么时候|啥时候|能不能|可不可以|可以.{0,12}[吗么嘛]|要不要|需要.{0,8}[吗么什]"
    r"|(?:吗|么|呢|[?])[\s。!~]*$"
)


def is_question(text: str) -> bool:
    """Whether the words ask rather than tell."""
    return bool(_QUESTION.search(normalised(text)))


def understand(text: str) -> Meaning:
    """The meaning of one message, or of a message with the one before it joined by a space."""
    plain = normalised(text)[:LONGEST_TEXT]
    return _binding(plain) or _statement(plain)


def understand_after(asked_about: str, text: str) -> Meaning:
    """The meaning of a message that may answer our question about an earlier one.

    What is complete by itself stands alone; what is not is read together with the earlier one, the newer place first.
    """
    alone, before = understand(text), understand(asked_about)
    if alone.intent not in (Intent.UNCLEAR, Intent.REPORT) or _stands_alone(alone):
        return alone
    together = understand(f"{asked_about} {text}")
    if together.intent is not Intent.REPORT:
        return alone
    return replace(together, place=alone.place.completed_by(before.place))


def _stands_alone(meaning: Meaning) -> bool:
    """A trouble with a building, or a definite trouble that leaves the place open: a new topic."""
    if meaning.trouble in (None, Trouble.OTHER):
        return False
    return meaning.place.building is not None or meaning.place.is_empty


def _binding(text: str) -> Meaning | None:
    for pattern, intent in (
        (_BIND_PHONE, Intent.BIND_PHONE),
        (_BIND_CODE, Intent.BIND_CODE),
        (_VERIFY, Intent.VERIFY),
    ):
        match = pattern.match(text)
        if match:
            return Meaning(intent, text, argument=match[1].upper())
    return None


def _statement(text: str) -> Meaning:
    if _THANKS.match(text):
        return Meaning(Intent.THANKS, text)
    place, sign = parse_place(text), find_trouble(text)
    is_over = bool(_OVER.search(text)) and not _AGAIN.search(text)
    if sign is not None and not (is_over and not sign.trouble.is_dangerous) and not _asks_only(text, sign.trouble):
        return Meaning(
            Intent.REPORT,
            text,
            place,
            sign.trouble,
            sign.fault_mode,
            is_shared=bool(_SHARED.search(text)),
            is_public=bool(_PUBLIC.search(text)),
            is_fixture=bool(_FIXTURE.search(text)),
            topic=sign.trouble,
        )
    topic = next((trouble for pattern, trouble in _TOPICS if pattern.search(text)), None)
    wants_progress = is_over or bool(_PROGRESS.search(text))
    return Meaning(Intent.PROGRESS if wants_progress else Intent.UNCLEAR, text, place, topic=topic)


def _asks_only(text: str, trouble: Trouble) -> bool:
    """A question how it stands is no new report: 我的报修什么时候来修, 查报修进度."""
    return trouble in (Trouble.INQUIRY, Trouble.OTHER) and bool(_PROGRESS.search(text))
