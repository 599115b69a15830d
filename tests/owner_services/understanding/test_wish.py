"""Which messages are wishes and remarks, and which are reports that use the same words."""

import pytest

from owner_services.understanding.wish import Remark, Wish, WishKind, find_remark, find_wish, picked

WISHES = [
    ("催单", Wish(WishKind.URGE)),
    ("请催一下", Wish(WishKind.URGE)),
    ("麻烦帮我催催", Wish(WishKind.URGE)),
    ("催单 WO-20261122-0007", Wish(WishKind.URGE, "WO-20261122-0007")),
    ("确认", Wish(WishKind.CONFIRM)),
    ("满意！", Wish(WishKind.CONFIRM)),
    ("不满意", Wish(WishKind.REJECT)),
    ("不满意，还在漏水", Wish(WishKind.REJECT, words="还在漏水")),
    ("没修好 wo-20261122-0007", Wish(WishKind.REJECT, "WO-20261122-0007")),
    ("取消", Wish(WishKind.CANCEL)),
    ("我要取消报修", Wish(WishKind.CANCEL)),
    ("取消 已经自己修好了", Wish(WishKind.CANCEL, words="已经自己修好了")),
    ("评价", Wish(WishKind.RATE)),
    ("评价5", Wish(WishKind.RATE, marks=(5, 5, 5))),
    ("评价 5 4 3 师傅很好", Wish(WishKind.RATE, marks=(5, 4, 3), words="师傅很好")),
    ("评价：5，4", Wish(WishKind.RATE, marks=(5, 4, 4))),
    ("五星好评", Wish(WishKind.RATE, marks=(5, 5, 5))),
    ("1星 迟到两小时", Wish(WishKind.RATE, marks=(1, 1, 1), words="迟到两小时")),
]


@pytest.mark.parametrize(("text", "wish"), WISHES)
def test_a_wish_is_understood(text: str, wish: Wish) -> None:
    assert find_wish(text) == wish


@pytest.mark.parametrize(
    "text",
    ["厨房漏水", "催缴电话太多", "电梯按钮取消不了", "满意度调查在哪里填", "确认一下停水时间", "5栋停电",
     "没修好的电梯又坏了吗", "什么时候来修", "好了", "谢谢", "水费怎么交", "评价系统打不开", ""],
)  # fmt: skip
def test_what_only_sounds_like_a_wish_is_none(text: str) -> None:
    assert find_wish(text) is None


@pytest.mark.parametrize(
    ("text", "remark"),
    [("有用", Remark.HELPFUL), ("解决了！", Remark.HELPFUL), ("没用", Remark.UNHELPFUL), ("没解决", Remark.UNHELPFUL),
     ("转人工", Remark.HUMAN), ("人工客服", Remark.HUMAN), ("客服电话多少", None), ("没用的水管漏了", None)],
)  # fmt: skip
def test_remarks_on_an_answer(text: str, remark: Remark | None) -> None:
    assert find_remark(text) is remark


def test_a_further_article_is_picked_by_its_number() -> None:
    assert [picked(text) for text in ("2", " 3 ", "1", "22", "二")] == [2, 3, None, None, None]
