"""What an owner wants of a report of theirs, or says of an answer: 催单, 评价 5 5 4, 不满意 还在漏, 有用. Pure.

A wish is the whole message, so that no report is mistaken for one: 取消 is a wish, 电梯按钮取消不了 is not.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from owner_services.understanding.place import normalised


class WishKind(StrEnum):
    URGE = "urge"
    CONFIRM = "confirm"
    REJECT = "reject"
    RATE = "rate"
    CANCEL = "cancel"


class Remark(StrEnum):
    """What is said of articles that answered."""

    HELPFUL = "helpful"
    UNHELPFUL = "unhelpful"
    HUMAN = "human"  # somebody of ours is wanted


@dataclass(frozen=True)
class Wish:
    """`number`: of the order it is about, where it was said. `marks`: speed, attitude and quality, 1 … 5.

    `words`: a reason, or what was said with a rating.
    """

    kind: WishKind
    number: str | None = None
    marks: tuple[int, int, int] | None = None
    words: str = ""


_NUMBER = re.compile(r"WO-\d{8}-\d{4,}", re.IGNORECASE)
_END = r"[\s,.!。!~]*$"
_URGE = re.compile(
    r"^(?:请|麻烦|帮忙|帮我|再)*催(?:单|一下|办|促|催|一催)(?:我的)?(?:报修|工单|师傅|他们|物业)?" + _END
)
_CONFIRM = re.compile(r"^(?:确认(?:完工|完成|解决|没问题)?|满意|验收通过|很?满意)" + _END)
_REJECT = re.compile(
    r"^(?:不满意|没修好|没有修好|没解决|没有解决|未解决|退回|返工|重修|不通过)(?:$|[\s,.:!。]+(?P<words>.*)$)"
)
_RATE = re.compile(
    r"^(?:评价|评分|打分)(?=$|[\s:\d])[\s:]*(?P<marks>[1-5](?:[\s,、/]*[1-5]){0,2})?(?:星|分)?(?!\d)[\s,。:]*(?P<words>.*)$"
)
_STARS = re.compile(r"^(?P<mark>[1-5一二三四五])星(?:好评|差评)?[\s,。:!]*(?P<words>.*)$")
_CANCEL = re.compile(
    r"^(?:我要|请|帮我)?(?:取消|撤销|撤回)(?:报修|工单|订单|投诉|咨询|了)?(?:$|[\s,.:。]+(?P<words>.*)$)"
)
_CHINESE = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}

_HELPFUL = re.compile(r"^(?:有用|很有用|有帮助|解决了|已解决|明白了|helpful)" + _END, re.IGNORECASE)
_UNHELPFUL = re.compile(r"^(?:没用|没有用|无用|没帮助|没有帮助|没解决|没有解决|不是这个|答非所问)" + _END)
_HUMAN = re.compile(r"^(?:转|找|要)?(?:人工|客服|人工客服|真人)(?:服务)?" + _END)
_PICK = re.compile(r"^[2-9]$")


def find_wish(text: str) -> Wish | None:
    """None where the message is something else."""
    plain = normalised(text)
    numbered = _NUMBER.search(plain)
    number = numbered[0].upper() if numbered else None
    rest = " ".join(_NUMBER.sub(" ", plain).split())
    for kind, pattern in ((WishKind.URGE, _URGE), (WishKind.CONFIRM, _CONFIRM)):
        if pattern.match(rest):
            return Wish(kind, number)
    if found := _REJECT.match(rest):
        return Wish(WishKind.REJECT, number, words=(found["words"] or "").strip())
    if found := _CANCEL.match(rest):
        return Wish(WishKind.CANCEL, number, words=(found["words"] or "").strip())
    return _rating(rest, number)


def find_remark(text: str) -> Remark | None:
    plain = normalised(text)
    for remark, pattern in ((Remark.HELPFUL, _HELPFUL), (Remark.UNHELPFUL, _UNHELPFUL), (Remark.HUMAN, _HUMAN)):
        if pattern.match(plain):
            return remark
    return None


def picked(text: str) -> int | None:
    """Which of the further articles is wanted: 2 for the second."""
    plain = normalised(text)
    return int(plain) if _PICK.match(plain) else None


def _rating(text: str, number: str | None) -> Wish | None:
    if found := _STARS.match(text):
        mark = _CHINESE.get(found["mark"]) or int(found["mark"])
        return Wish(WishKind.RATE, number, (mark, mark, mark), found["words"].strip())
    found = _RATE.match(text)
    if found is None:
        return None
    return Wish(WishKind.RATE, number, _marks(found["marks"]), found["words"].strip())


def _marks(said: str | None) -> tuple[int, int, int] | None:
    """One mark is for all three, the last of two for the rest."""
    marks = [int(digit) for digit in said or "" if digit.isdigit()]
    if not marks:
        return None
    speed, attitude, quality = [*marks, marks[-1], marks[-1]][:3]
    return speed, attitude, quality
