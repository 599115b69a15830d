"""A bad rule of every kind, and what a property engineer is told about it, in both languages."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from catalog.directory import Directory, EquipmentEntry, LiveDirectory
from catalog.profiles import load_profiles
from kit.access import Scope
from kit.clock import SystemClock
from kit.errors import DomainError, every_error
from kit.http import what_is_invalid
from kit.i18n import Language, Texts
from rules import errors
from rules.schemas import EXAMPLE, RuleDefinition
from rules.service import RuleService
from tests.alarms.place import ROOT
from tests.rules.plant import entry, point

TEXTS = Texts.load(["kit", "rules"])
PROFILES = load_profiles(ROOT / "device_adapters" / "profiles")


def _stands(number: int, code: str, profile: str, **facts: Any) -> EquipmentEntry:
    known = PROFILES[profile].points.values()
    points = {
        one.key: replace(point(number * 100 + place, one.key), unit=one.unit, reporting=one.reporting)
        for place, one in enumerate(known)
    }
    return replace(
        entry(number), code=code, profile_key=profile, kind=PROFILES[profile].kind, points=points, **facts
    )  # fmt: skip


TANK = _stands(1, "TANK-1", "water-tank")
ELSEWHERE = [
    _stands(2, "PUMP-2", "grundfos-cim-pump"), TANK, _stands(3, "TANK-3", "water-tank", partition=3),
    _stands(4, "UPS-4", "ups-battery"), _stands(5, "AHU-5", "ahu-controller", parent_id=TANK.equipment_id),
]  # fmt: skip
RULES = RuleService(PROFILES, LiveDirectory(Directory.of(1, ELSEWHERE)), TEXTS, SystemClock())
NOWHERE = str(UUID(int=9))
PLAIN = {"clear": None, "for": None, "message": {"zh-CN": "异常", "en": "abnormal"}}
SILENCE: dict[str, Any] = PLAIN | {"when": None, "missing": "10m"}

# (what is written otherwise than in the example, the mistake's code, of the Chinese text, of the English text)
Bad = tuple[dict[str, Any], str, str, str]


def when(text: str, **more: Any) -> dict[str, Any]:
    return PLAIN | {"when": text} | more


BAD: tuple[Bad, ...] = (
    (when(" "), "expression_empty", "条件是空的", "is empty"),
    (when("bearing_temp_c > 75 or " * 60), "string_too_long", "1000", "1000"),
    (when("bearing_temp_c > " + "-" * 30 + "1"), "expression_too_deep", "过于复杂", "too complex"),
    (when("bearing_temp_c > 75 and"), "expression_unreadable", "看不懂", "cannot be read"),
    (when("bearing_temp_c ＞ 75"), "sign_not_understood", "“>”", "“>”"),
    (when("bearing_temp_c = 75"), "sign_not_understood", "“==”", "“==”"),
    (when("bearing_temp_c > 75 && running"), "sign_not_understood", "“and”", "“and”"),
    (when("[bearing_temp_c] > 75"), "not_in_language", "不能用", "cannot be used"),
    (when("pump.temp > 75"), "not_in_language", "不能用", "cannot be used"),
    (when("colour > 75"), "unknown_name", "bearing_temp_c", "bearing_temp_c"),
    (when("bearing_temp > 75"), "misspelled_name", "是不是“bearing_temp_c”", "did you mean “bearing_temp_c”"),
    (when("sqrt(bearing_temp_c) > 75"), "unknown_function", "avg", "avg"),
    (when("abs(bearing_temp_c, 2) > 75"), "wrong_arguments", "需要 1 个数值", "needs 1"),
    (when("avg(bearing_temp_c) > 75"), "window_expected", "'10m'", "'10m'"),
    (when("previous(bearing_temp_c + 1) > 75"), "point_expected", "previous(bearing_temp_c)", "one point"),
    (when("avg(bearing_temp_c, 'ten') > 75"), "window_unreadable", "1h30m", "1h30m"),
    (when("avg(bearing_temp_c, '1s') > 75"), "window_too_short", "每 2 秒", "every 2 s"),
    (when("avg(bearing_temp_c, '20d') > 75"), "window_too_long", "缩短", "Shorten"),
    (
        when(" + ".join(f"avg(bearing_temp_c, '{m}m')" for m in range(1, 12)) + " > 75"),
        "too_many_windows", "最多 10 个", "10 at most",
    ),
    (when("running and in_schedule('night')"), "unknown_schedule", "22:00-06:00", "22:00-06:00"),
    (when("running and in_schedule(night)"), "schedule_expected", "in_schedule('night')", "in_schedule('night')"),
    (when("count(avg(running, '1h') > 1, '1h') > 3"), "not_in_count", "count 里面", "inside count"),
    (when("count(running == 1 and fault == 1, '1h') > 3"), "one_point_counted", "一个测点", "one point"),
    (
        when("running and fault", repeats={"times": 3, "within": "1h"}), "one_point_repeats", "repeats", "repeats",
    ),
    (when("age(running) + 1 > 600"), "age_not_compared", "age(flow_l_h) > 600", "age(flow_l_h) > 600"),
    (when("bearing_temp_c > head_bar"), "units_disagree", "单位不同", "cannot be compared"),
    (when("(running > 0) + 1 > 2"), "number_expected", "需要数值", "a number is needed"),
    (when("running and 75"), "condition_expected", "判断条件", "a condition is needed"),
    (when("bearing_temp_c > 1e999"), "number_too_large", "太大", "too large"),
    (when("running and parent > 75"), "another_expected", "parent.测点", "parent.point"),
    (when("running and other[TANK-1].level_pct > 75"), "another_expected", "other['设备编号']", "other['CODE']"),
    (when("running and parent.level_pct > 75"), "no_parent", "没有上级", "has none"),
    (when("running and other['TANK-9'].level_pct > 75"), "unknown_other", "TANK-1", "TANK-1"),
    (when("running and other['TANK-1'].level > 75"), "unknown_point_of_other", "level_pct", "level_pct"),
    (when("running and other['TANK-1'].colour > 75"), "unknown_point_of_other", "level_pct", "level_pct"),
    (when("other['TANK-1'].level_pct > bearing_temp_c"), "units_disagree", "单位不同", "cannot be compared"),
    (
        when("on_battery and parent.levl", profile="ups-battery"), "unknown_point_of_other", "parent 没有",
        "parent has no",
    ),
    (
        when("fan_running and parent.level", profile="ahu-controller"), "unknown_point_of_other", "level_pct",
        "level_pct",
    ),
    (
        when("running and other['TANK-3'].level_pct > 75"), "other_in_another_building",
        "TANK-3）与 PUMP-2 不在同一楼栋", "does not stand in the building of PUMP-2",
    ),
    (when("1 > 0"), "no_point_used", "测点", "no point"),
    (
        when("speed_rpm > 1", profile="gb24476-elevator", life_safety=True) | {"when": "machine_room_temp_c > 45"},
        "ordinary_point_in_life_safety_rule", "生命安全", "life-safety",
    ),
    (
        when("passenger_trapped", profile="gb24476-elevator"),
        "life_safety_point_in_ordinary_rule", "passenger_trapped", "passenger_trapped",
    ),
    (when("bearing_temp_c => 75"), "sign_not_understood", "“>=”", "“>=”"),
    (when("bearing_temp_c <> 75"), "sign_not_understood", "“!=”", "“!=”"),
    (when("bearing_temp_c > 75 AND running"), "sign_not_understood", "“and”", "“and”"),
    (when("running == true"), "sign_not_understood", "“True”", "“True”"),
    (when("bearing_temp_c 大于 75"), "sign_not_understood", "“>”", "“>”"),
    (when("bearing_temp_c > ７5"), "sign_not_understood", "“7”", "“7”"),
    (when("avg(bearing_temp_c, 10m) > 75"), "sign_not_understood", "'10m'", "'10m'"),
    (when("bearing_temp_c > 75 °C"), "unit_written", "写成“75”", "“75”"),
    (when("head_bar > 2.5bar and running"), "unit_written", "写成“2.5”", "“2.5”"),
    (when("speed_rpm > 90%"), "unit_written", "写成“90”", "“90”"),
    (when("flow_m3_h > 5 m3/h"), "unit_written", "写成“5”", "“5”"),
    (when("head_bar / 0 > 1"), "divisor_is_zero", "除以 0", "divided by 0"),
    (when("轴承温度 > 75"), "misspelled_name", "是不是“bearing_temp_c”", "did you mean “bearing_temp_c”"),
    (when("running", params={"head_bar": 5}), "parameter_is_point", "同名", "name of a point"),
    (SILENCE | {"profile": "nbiot-water-meter", "missing": "5m"}, "silence_too_short", "3600 秒", "3600 s"),
    ({"for": 300}, "rule_duration", "1h30m", "1h30m"),
    ({"params": {"if": 75}}, "rule_parameter", "换一个名称", "another name"),
    ({"params": {"热": 75}}, "rule_identifier", "小写字母", "small letters"),
    ({"order": "repair"}, "rule_order", "priority = 2", "priority = 2"),
    (
        PLAIN | {"when": None, "rate": {"point": "head_bar", "over": "5m", "below": 0.2}},
        "rule_rate_sign", "应小于 0", "less than 0",
    ),
    (
        when("passenger_trapped", profile="gb24476-elevator", life_safety=True, schedules={"a": "22:00-06:00"})
        | {"active_in": "a"},
        "rule_active_life_safety", "全天有效", "every hour",
    ),
    ({"message": {"zh-CN": "{bearing_temp_c:.1f}", "en": "x"}}, "bad_message", "不写格式", "without a format"),
    ({"profile": "no-such-pump"}, "unknown_profile", "grundfos-cim-pump", "grundfos-cim-pump"),
    ({"profile": None, "kind": "camera"}, "rule_fits_no_equipment", "设备模板", "profile"),
    ({"equipment": [NOWHERE]}, "unknown_rule_equipment", "不存在", "does not exist"),
    ({"site_id": NOWHERE}, "unknown_rule_site", "不存在", "does not exist"),
    ({"units": {"warm_c": "°C"}}, "unknown_parameter", "hot_c", "hot_c"),
    ({"message": {"zh-CN": "{speed}", "en": "x"}}, "bad_message", "bearing_temp_c", "bearing_temp_c"),
    ({"key": "Pump 1"}, "rule_key", "小写字母", "small letters"),
    ({"fault_mode": "轴承"}, "rule_identifier", "小写字母", "small letters"),
    ({"for": "5 minutes"}, "rule_duration", "1h30m", "1h30m"),
    ({"for": "90d"}, "rule_duration", "31 天", "31 days"),
    ({"schedules": {"night": "22-6"}}, "rule_schedule", "22:00-06:00", "22:00-06:00"),
    ({"schedules": {"night": "Someday 22:00-06:00"}}, "rule_schedule", "Mon-Fri", "Mon-Fri"),
    (when("running\x00"), "rule_nul", "空字符", "NUL"),
    ({"order": {"kind": "party", "priority": 1}}, "rule_order_kind", "维修", "repair"),
    ({"order": {"kind": "repair", "priority": 9}}, "less_than_equal", "4", "4"),
    (PLAIN | {"when": None, "rate": {"point": "head_bar", "over": "5m"}}, "rule_rate_limit", "上限", "limit"),
    (PLAIN | {"when": None}, "rule_one_condition", "只能写一种", "one of"),
    ({"missing": "10m"}, "rule_one_condition", "只能写一种", "one of"),
    (SILENCE | {"clear": "running"}, "rule_clear_of_silence", "自动解除", "next reading"),
    ({"repeats": {"times": 3, "within": "1h"}}, "rule_repeats", "repeats", "repeats"),
    (
        {"schedules": {"a": "22:00-06:00"}, "active_in": "a", "active_outside": "a"},
        "rule_active_hours", "只能写一个", "not both",
    ),
    (SILENCE | {"schedules": {"a": "22:00-06:00"}, "active_in": "a"}, "rule_active_silence", "全天", "always"),
    ({"points": ["running"]}, "rule_points", "missing", "missing"),
    ({"kind": "pump"}, "rule_profile_or_kind", "只能写一个", "not both"),
    (SILENCE | {"levels": [{"severity": "critical", "when": "running"}]}, "rule_levels_of_silence", "分级", "levels"),
    ({"levels": [{"severity": "minor", "when": "running"}]}, "rule_levels", "更严重", "worse"),
    ({"name": {"en": "Only English"}}, "rule_both_languages", "中文", "both languages"),
    ({"severity": "worst"}, "enum", "critical", "critical"),
    ({"params": {"hot_c": "hot"}}, "float_parsing", "数", "number"),
    ({"colour": "red"}, "extra_forbidden", "colour", "colour"),
)  # fmt: skip


def refused(changes: dict[str, Any]) -> tuple[str, str, str]:
    """The mistake's code, and what is told in Chinese and in English."""
    try:
        RULES.check_definition(RuleDefinition.model_validate(EXAMPLE | changes), Scope.everywhere())
    except ValidationError as error:
        [first, *_] = error.errors()
        told = {"type": first["type"], "loc": ("body", *first["loc"]), "msg": first["msg"], "ctx": first.get("ctx", {})}
        return first["type"], *(what_is_invalid(told, TEXTS, language) for language in Language)  # type: ignore[return-value]
    except DomainError as error:
        return error.code(), *(TEXTS.of_error(error, language) for language in Language)  # type: ignore[return-value]
    raise AssertionError("was taken for a good rule")


@pytest.mark.parametrize(
    ("changes", "code", "chinese", "english"), BAD, ids=[f"{n}-{bad[1]}" for n, bad in enumerate(BAD)]
)
def test_a_bad_rule_is_told_what_is_wrong_and_what_would_be_right(
    changes: dict[str, Any], code: str, chinese: str, english: str
) -> None:
    found, zh, en = refused(changes)
    assert found == code
    assert chinese in zh
    assert english in en
    assert re.search(r"[一-鿿]{2}", zh), "not Chinese"
    for jargon in ("Error", "None", "NaN", "Traceback", "ValueError", "regex", "^[", "[key]"):
        assert jargon not in zh + en


def test_no_kind_of_mistake_is_left_out() -> None:
    of_texts = {error.code() for error in every_error(errors.ExpressionError) if not error.__subclasses__()}
    of_rules = {
        error.code() for error in (
            errors.UnknownProfile, errors.RuleFitsNoEquipment, errors.UnknownRuleEquipment, errors.UnknownRuleSite,
            errors.UnknownParameter, errors.BadMessage, errors.ParameterIsPoint, errors.SilenceTooShort,
        )
    }  # fmt: skip
    of_shapes = {
        key.removeprefix("kit.invalid.") for key in TEXTS.keys(Language.ZH) if key.startswith("kit.invalid.rule_")
    }
    # The schema counts the characters before the language does.
    assert (of_texts | of_rules | of_shapes) - {code for _, code, _, _ in BAD} == {"expression_too_long"}
