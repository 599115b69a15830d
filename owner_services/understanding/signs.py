"""The table of signs: which words mean which trouble, the most dangerous first. Data, read by `trouble`.

Words are separated by spaces; each is a piece of a regular expression. `near(a, b)` is a word of `a` with a word of
`b` shortly behind it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Trouble(StrEnum):
    """What a report is about."""

    ENTRAPMENT = "entrapment"
    FIRE = "fire"
    GAS = "gas"
    ELEVATOR = "elevator"
    DRAINAGE = "drainage"
    WATER_LEAK = "water_leak"
    NO_WATER = "no_water"
    LIGHTING = "lighting"
    DOOR_LOCK = "door_lock"
    POWER = "power"
    HVAC = "hvac"
    NOISE = "noise"
    PUBLIC_AREA = "public_area"
    COMPLAINT = "complaint"
    INQUIRY = "inquiry"
    OTHER = "other"

    @property
    def is_dangerous(self) -> bool:
        return self in (Trouble.ENTRAPMENT, Trouble.FIRE, Trouble.GAS)


@dataclass(frozen=True)
class Sign:
    """Words that mean a trouble, unless words of `unless` are there too. `fault_mode` as the rules name theirs."""

    trouble: Trouble
    words: re.Pattern[str]
    fault_mode: str | None = None
    unless: re.Pattern[str] | None = None

    def shows_in(self, text: str) -> bool:
        return bool(self.words.search(text)) and not (self.unless and self.unless.search(text))


def words(listed: str) -> str:
    return "(?:" + "|".join(listed.split()) + ")"


def near(first: str, second: str, *, within: int = 8) -> str:
    return f"{words(first)}.{{0,{within}}}{words(second)}"


def _sign(trouble: Trouble, *patterns: str, fault_mode: str | None = None, unless: str | None = None) -> Sign:
    without = None if unless is None else re.compile(unless)
    return Sign(trouble, re.compile("|".join(patterns)), fault_mode, without)


# Stand-ins for words that hold another one's characters: 地漏 is a drain and no leak, 电梯口 a place and no elevator.
LOOKALIKES: Final = (
    (re.compile(r"地漏"), "地㊀"),
    (re.compile(r"电梯(?=口|厅|间(?!里面?有人)|旁|前室|对面|井)"), "㊁"),
    (re.compile(r"电梯卡(?=丢|坏|怎|在|要|办|补|多|能|刷|没|失|消)"), "门禁卡"),
    (re.compile(r"漏电"), "㊂电"),
)

_BROKEN = (
    "坏 故障 失灵 失效 有问题 出问题 不好使 不好用 不能用 用不了 没反应 没有反应 不工作 报错 损坏 不灵 出毛病 有毛病"
)
_LIFT = "电梯 客梯 货梯 升降梯 轿厢 轿箱 号梯"
_SOMEBODY = "被 有人 人 我 孩子 小孩 娃 老人 老太太 大爷 奶奶 妈 爸"
_SHUT_IN = "困 关 卡 堵 锁"
# Not now, or not at all: 怕被困, 上次被困, 没有人被困, 已经出来了.
_NOT_TRAPPED = (
    near("怕 担心 万一 会不会 差点 险些 上次 昨天 前天 以前 曾经 上周", "困 关 卡")
    + r"|(?:没有?|未|无)(?:有)?(?:人|乘客)?(?:被|员)?困|(?:已经|刚|都)(?:被)?(?:救)?出来了(?!.*(?:还|又))"
)

SIGNS: Final = (
    # --- where life may be at stake: rather one sign too many ---
    _sign(
        Trouble.ENTRAPMENT,
        r"困梯",
        rf"{words(_SHUT_IN)}(?:在|住|到|进)?.{{0,8}}{words(_LIFT)}(?:里|内|中)",
        rf"{words(_SOMEBODY)}.{{0,6}}(?:困|关|卡)(?:在|住|到|进).{{0,8}}{words(_LIFT)}",
        rf"{words(_LIFT)}.{{0,16}}(?:困|关|卡)(?:住|了|着){{0,2}}(?:\S{{0,3}}个)?{words(_SOMEBODY + ' 业主 住户')}",
        near(_LIFT, "被困 出不来 出不去 困住 困在 困里面 关里面 关在里面", within=20),
        near("被困", _LIFT, within=10),
        near(_LIFT, "卡住 停住 不动 停了 停电 坏 故障", within=10)
        + r".{0,10}(?:里面?(?:还)?有人|(?:人|我们?|孩子)在里)",
        fault_mode="passenger_trapped",
        unless=_NOT_TRAPPED,
    ),
    _sign(
        Trouble.FIRE,
        r"着火|起火|失火|火灾|火警|冒(?:浓|黑|白|出|了)*.{0,2}烟|浓烟|烟很大|好多烟|烧起来|燃起来|自燃|爆燃",
        near("烟感 烟雾报警器? 烟雾感应器 烟雾探测器 消防报警 火灾报警", "响 叫 报警 闪红", within=6),
        r"(?:糊|焦)(?:了)?(?:的)?味",
        fault_mode="smoke_detected",
        unless=words("演习 演练 灭火器 消防栓 消防通道 油烟 抽烟 吸烟 烟囱 上次 去年"),
    ),
    _sign(
        Trouble.GAS,
        near("煤气 燃气 天然气 瓦斯 管道气", "味 泄漏 泄露 漏 臭", within=6),
        near("闻到 有股 一股", "煤气 燃气 天然气", within=6),
        r"燃气报警",
    ),
    # --- elevator ---
    _sign(
        Trouble.ELEVATOR,
        near(_LIFT, "没平层 平不了层 停不平 没停平 错层 高(?:了|出)?一[截块] 低(?:了)?一[截块] 有个?台阶", within=10),
        r"不平层",
        fault_mode="levelling_error",
    ),
    _sign(
        Trouble.ELEVATOR,
        rf"{words(_LIFT)}.{{0,10}}"
        + near("门", f"关不 打不 开不 合不 闭不 夹 卡 反复 来回 一直 老是 不关 不开 不会 {_BROKEN}"),
        near(_LIFT, "不开门 不关门 开不了门 关不了门 夹人 夹到", within=6),
        fault_mode="door_stuck",
    ),
    _sign(
        Trouble.ELEVATOR,
        near(
            _LIFT,
            "不动 不走 不上 不下 动不了 不来 没来 不运行 不停(?!车) 停了 停运 停用 停在 停电 停止 死机 黑屏"
            " 坠 蹲底 冲顶 往下掉 突然掉 卡住 卡了 卡顿 按不 按了?没 按键 按钮 等不到 等了 一直等"
            f" 没动静 罢工 {_BROKEN}",
            within=14,
        ),
        near(_BROKEN, _LIFT, within=4),
        rf"按.{{0,6}}{words(_LIFT)}.{{0,6}}没|坐不了{words(_LIFT)}|{words(_LIFT)}.{{0,4}}又(?:坏|停|不)",
        fault_mode="elevator_fault",
    ),
    _sign(
        Trouble.ELEVATOR,
        near(_LIFT, "异响 响声 怪声 怪响 咯吱 咣当 哐 抖 晃 震动 振动 摇 噪音 声音(?:很|太|特别)?大 吱", within=14),
        fault_mode="elevator_noise",
        unless="广告",
    ),
    _sign(
        Trouble.ELEVATOR,
        near(_LIFT, "漏水 进水 滴水 灯(?:不亮|坏|闪|灭) 风扇 空调 太热 很热 闷 困人 困过"),
        near("困 关在", _LIFT, within=10),
    ),
    # --- water ---
    _sign(
        Trouble.DRAINAGE,
        near(
            "下水 马桶 坐便 蹲坑 厕所 地㊀ 洗手池 洗菜池 水池 水槽 管道 排水 排污 污水 雨水 浴室 卫生间",
            "堵 不通 下不去 不下水 返 反水 反味 倒灌 倒流 溢 冒(?:出|水|脏) 下(?:得)?(?:很|太|好)?慢 排不",
        ),
        r"返水|反水|倒灌|堵(?:住|了)?.{0,3}(?:下水|马桶)|化粪池|窨井.{0,4}(?:冒|溢)",
    ),
    _sign(
        Trouble.WATER_LEAK,
        r"漏水|渗水|渗漏|滴水|喷水|跑水|淌水|冒水|爆管|爆水管|水漫|淹|泡水|积水|发大水|往下(?:漏|滴|流)",
        near("水?管子?", "爆 裂 破 断 坏 漏 喷", within=6),
        near(
            "龙头 水表 阀门 热水器 角阀 软管 洗衣机 空调 天花板 顶棚 屋顶 房顶 楼上 墙 吊顶 窗 阳台 厨房 卫生间"
            " 厕所 车库 地下室",
            "漏 渗 滴 湿 泡了 往下流",
        ),
        r"漏(?:得|了|到|个不停)|关不(?:紧|上|住).{0,4}水|(?:水|龙头).{0,3}关不",
        fault_mode="pipe_leak",
        unless=r"漏[缴交收登说风]",
    ),
    _sign(
        Trouble.HVAC,
        r"(?:没|无|没有|停)热水|热水.{0,6}(?:不热|没有|没了|不来|停)|不供暖|没有?暖气|室温",
        near("空调 暖气 地暖 供暖 新风 风机盘管 散热器", "不 没 坏 漏 凉 停 冷 响 故障"),
    ),
    _sign(
        Trouble.NO_WATER,
        near("水压 水流", "低 小 不足 不够 弱 上不来", within=6),
        r"水(?:很|太|特别|好|非常|越来越|变|变得|有点)+小|水小得|水上不来",
        fault_mode="low_pressure",
    ),
    _sign(
        Trouble.NO_WATER,
        r"没水(?!卡|费|票)|没有水|没自来水|停水|断水|无水(?!印)|缺水|不出水|水(?:停了|没了|断了|不来)|不来水|没来水",
        r"水龙头.{0,6}没",
        fault_mode="no_water",
    ),
    # --- light, doors, power ---
    _sign(
        Trouble.LIGHTING,
        near("灯", f"不亮 不会亮 没亮 灭 闪 常亮 长亮 太暗 昏 暗 掉 {_BROKEN}"),
        near("楼道 走廊 楼梯 车库 地下室 ㊁厅 路上 门口", "黑 没灯 没有灯 太暗", within=6),
        r"黑漆漆|黑乎乎|黑灯瞎火|没(?:有)?(?:路)?灯",
        unless="红绿灯",
    ),
    _sign(
        Trouble.DOOR_LOCK,
        near(
            "门禁 单元门 大门 锁 闸机 道闸 栏杆机 防盗门 玻璃门 入户门 防火门 铁门 楼门 家门 房门 对讲 可视 门铃 抬杆",
            "打不 开不 关不 合不 锁不 刷不 没声 没电 卡住 卡了 异响 掉 响 不开 不关 不认 抬不 不抬 进不 听不 看不"
            f" {_BROKEN}",
        ),
        near("门禁卡", "刷不 失效 没反应 消磁 不能 坏", within=6),
        r"刷不开|刷脸.{0,4}(?:不|没|失败)|(?:进|开)不了(?:单元)?门|钥匙.{0,4}(?:丢|断|忘|锁)|反锁|被锁",
    ),
    _sign(
        Trouble.POWER,
        r"停电|断电|没电|没有电|缺电|跳闸|跳电|电(?:停了|没了|断了)",
        fault_mode="power_loss",
        unless=near("遥控器? 手机 电动车 电瓶车 汽车 电池 烟感 报警器 手表", "没电", within=4),
    ),
    _sign(
        Trouble.POWER,
        r"短路|㊂电|触电|打火|电压.{0,4}(?:低|高|不稳)",
        near("电表", "坏 不 黑 故障 异常", within=6),
        near("插座 开关 空开 电闸 配电箱 电箱 电线", f"没 不 跳 冒 烧 火花 露 掉 断 热 发烫 {_BROKEN}"),
    ),
    # --- what makes life unpleasant ---
    _sign(
        Trouble.NOISE,
        r"噪音|噪声|[太好很]吵|吵(?:死|人|得|到|醒)|扰民|装修声|施工声|电钻|敲(?:墙|打|个不停)|蹦迪|广场舞|唱歌|音响|跺脚",
        r"狗(?:一直|老|总|半夜)?(?:在)?叫|声音(?:太|很|特别|好)大|异响|怪声",
        near("半夜 凌晨 深夜", "响 声 吵 敲 装修", within=10),
    ),
    _sign(
        Trouble.PUBLIC_AREA,
        words(
            "垃圾 脏 卫生(?!间) 打扫 清理 清洁 臭 异味 怪味 狗屎 狗粪 狗尿 蟑螂 老鼠 蚊 蛇 马蜂 小广告 杂物 烟味"
            " 抽烟 吸烟 油烟 高空抛物 乱(?:停|放|堆|扔|丢) 违停 飞线"
        ),
        r"占(?:用|了|着)?.{0,6}(?:车位|通道|楼道|位)|堵(?:住|着|了)?.{0,6}(?:车|通道|门口|路)",
        r"电动车.{0,8}(?:上楼|进楼|充电)",
        near(
            "地砖 瓷砖 护栏 栏杆 扶手 围墙 井盖 路面 地面 健身器材 滑梯 秋千 信箱 快递柜 玻璃 墙皮 外墙 墙砖 台阶 座椅"
            " 长椅 监控 摄像头 充电桩 水景 树 草坪 绿化 消防栓 灭火器 通道",
            "坏 破 裂 掉 松 断 塌 丢 脱 翘 不见 没了 倒 枯 故障 堵 占 不能 缺 坑 烂",
        ),
    ),
    _sign(Trouble.COMPLAINT, r"投诉|态度.{0,4}(?:差|恶劣|不好)|不作为|不负责|差评|没人管|不管不问|建议|意见"),
    _sign(
        Trouble.INQUIRY,
        r"怎么[交缴付办开申查收用弄联预约算充改续补订报]|如何|哪里(?:交|缴|办|可以|能|有)|在哪(?:里|儿)?(?!.*坏)",
        r"多少钱|多少一|收费|费用|电话(?:是|号)?(?:码)?(?:是)?多少|几点|上班时间",
        r"什么时候(?:上班|下班|开门|关门|交|缴|发|开始)|能不能(?:开|办|帮|查|申请)|可以(?:开|办|查|申请|预约).{0,8}[吗么]",
        words("发票 物业费 停车费 水费 电费 收据 过户 装修(?:手续|申请|押金|证) 办理 租(?:车位|房) 门禁卡 车位"),
        words("放行条 出门条 宽带 快递"),
    ),
    _sign(Trouble.OTHER, rf".{{2,}}{words(_BROKEN)}", r"(?:请|帮|来人|派人).{0,4}(?<!报)修|报修.{2,}"),
)
