"""A question or an article as what it can be found by: pairs of Chinese letters, letters, English words. Pure.

Most Chinese words have two letters, and which two belong together is not marked: every two in a row are taken. What
only makes a sentence a question (怎么, 请问, 吗) is left out, and words that mean the same here become one
(交, 付, 缴纳 → 缴), in questions and articles alike, so that 水费怎么交 and 水费缴纳方式 share what matters.
"""

import re
import unicodedata
from collections.abc import Iterator

# Articles keep what they can be found by; those kept by an older number are read anew (`KnowledgeService.refresh`).
WORDING = 1
LONGEST_QUESTION = 200

# Each line: what it becomes, then the words that become it. A word that becomes itself is kept from being taken apart.
_SAME = """
缴 缴纳 交纳 支付 付款 缴付 交 付
缴费 交费 付费
交通 交通
交房 交房
交接 交接 移交
交付 交付
费用 收费 价格 价钱 多少钱 几块钱 资费 费用
费用标准 收费标准 费用标准
物业费 物业管理费 管理费 物管费 物业费 物业的费用
水费 水费 自来水费 自来水费用 自来水的费用 水的费用
电费 电费 用电费用 电的费用
门禁卡 门禁卡 门卡 电梯卡 梯控卡 单元门卡 IC卡
补办 补办 补卡 挂失 丢了 丢失 遗失 弄丢 不见了 找不到
投放 投放 丢 扔 倒
大件 大件 旧家具 家具 沙发 床垫 衣柜 旧家电
装修垃圾 装修垃圾 建筑垃圾 渣土
装修 装修 装潢 施工 翻新
访客 访客 客人 朋友 亲戚 来访
快递 快递 包裹 邮件
宠物 宠物 狗狗 小狗 大狗 狗 猫
遛宠物 遛狗
维修 维修 报修 修理 修
漏水 漏水 渗水 滴水 渗漏
停水 停水 没水 断水 没有水
停电 停电 没电 断电 没有电 跳闸
燃气 燃气 天然气 煤气
发票 发票 收据 开票
电话 电话 联系方式 号码 热线
投诉 投诉 举报
建议 建议 意见
停车位 停车位 车位 泊位
月租 月租 包月 月卡 月保
临时停车 临时停车 临停 临时车
电动车 电动车 电瓶车 电单车 电动自行车
放行条 放行条 出门条
搬家 搬家 搬出 搬走 搬入 搬进
过户 过户 更名 换业主
办理 办理 申请 开通 办 开
开门 开门
开关 开关
时间 时间 几点 什么时候 啥时候 何时 营业时间 上班 下班 多久
噪音 噪音 噪声 扰民 太吵 很吵 吵
困人 困人 被困 困住 关在
暖气 暖气 供暖 采暖 地暖
消杀 消杀 灭鼠 杀虫 蟑螂 老鼠 蚊子
监控 监控 摄像头 录像
钥匙 钥匙 门锁 锁
楼上 楼上
楼下 楼下
会所 会所
对讲 对讲
新能源 新能源
提交 提交 递交
办公 办公
家政 家政
上门 上门
"""
_DROPPED = """
请问一下 请问 您好 你好 麻烦 谢谢 求助 想问 问一下 咨询 了解 打听
怎么样 怎么办 怎么 怎样 咋样 咋 如何 哪里 哪儿 哪个 哪些 在哪 去哪 什么样 什么 啥 多少 几个 几 谁
能不能 可不可以 可以不 可以 是不是 是否 有没有 要不要 需不需要 需要 能 会 要 想 应该 得 必须
吗 嘛 呢 吧 啊 呀 哦 的 了 是 有 在 把 被 给 让 和 与 或 及 就 都 也 还
我们家 我们 我家 我 咱们 咱 你们 你 家里 家 自己 这个 那个 这 那 小区里 小区
里面 里 一下 一个 个 次 到 去 来 从 为 以 请 帮忙 帮 呃
"""
_STOP_WORDS = """
a an the is are was be do does did how what when where which who why can could should would will may i we you my our
your me us it its to of for in on at by from with and or not no if there this that get have has about as please
"""
_WORDS = {word: line.split()[0] for line in _SAME.splitlines() for word in line.split()} | dict.fromkeys(
    _DROPPED.split(), " "
)
_UNSAID = frozenset(_STOP_WORDS.split())
_KNOWN = re.compile("|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)))
_RUN = re.compile(r"[㐀-鿿]+|[a-z]+|[0-9]+")


def plain(text: str) -> str:
    """The text in half-width, lower-case letters, words of the table exchanged, questions' own words gone."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    return _KNOWN.sub(lambda found: _WORDS[found[0]], lowered)


def grams(text: str) -> frozenset[str]:
    """What a text can be found by."""
    return frozenset(_grams(plain(text)))


def _grams(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        if run[0] > "z":
            yield from run
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        elif run not in _UNSAID:
            yield _stem(run)


def _stem(word: str) -> str:
    """English words without the ends that tell nothing apart here: fees → fee, parking → park."""
    for end in ("ing", "es", "ed", "s"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word.removesuffix(end)
    return word
