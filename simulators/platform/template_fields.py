"""What WeChat accepts in the fields of a template message. A field's name tells its type: `thing1`, `time2`, …

Source: "订阅消息参数值内容限制说明" of WeChat's documentation.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_NAME = re.compile(r"([a-z_]+?)(\d{1,3})")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TIME = re.compile(
    r"(\d{4}[年/.-]\d{1,2}[月/.-]\d{1,2}日?)?\s*(\d{1,2}[:：]\d{2}([:：]\d{2})?)?"
    r"(\s*[~～—-]\s*(\d{4}[年/.-]\d{1,2}[月/.-]\d{1,2}日?)?\s*(\d{1,2}[:：]\d{2}([:：]\d{2})?)?)?"
)
_DATE = re.compile(r"\d{4}[年/.-]\d{1,2}[月/.-]\d{1,2}日?(\s*\d{1,2}[:：]\d{2}([:：]\d{2})?)?")


def _at_most(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _is_name(value: str) -> bool:
    return len(value) <= (10 if _CHINESE.search(value) else 20) and re.search(r"\d", value) is None


_ACCEPTS: Mapping[str, Callable[[str], bool]] = {
    "thing": _at_most(20),
    "const": _at_most(20),
    "character_string": _matches(r"[\x20-\x7e]{1,32}"),
    "letter": _matches(r"[A-Za-z]{1,32}"),
    "symbol": _matches(r"[^\w\s]{1,5}"),
    "number": _matches(r"-?\d{1,32}(\.\d+)?"),
    "phrase": _matches(r"[\u4e00-\u9fff]{1,5}"),
    "name": _is_name,
    "phone_number": _matches(r"[\d+\-() ]{1,17}"),
    "car_number": _at_most(8),
    "amount": _matches(r"[¥￥$]?\d{1,10}(\.\d+)?元?"),
    "time": lambda value: len(value) <= 32 and _TIME.fullmatch(value) is not None,
    "date": lambda value: len(value) <= 32 and _DATE.fullmatch(value) is not None,
}


def problem(data: Any) -> str | None:
    """What WeChat's errmsg would say about the `data` of a message, naming the field; None when it is accepted."""
    if not isinstance(data, Mapping) or not data:
        return "argument invalid! data is empty"
    for name, field in data.items():
        value = field.get("value") if isinstance(field, Mapping) else None
        if fault := _field_problem(str(name), value):
            return f"argument invalid! data.{name}.value {fault}"
    return None


def _field_problem(name: str, value: Any) -> str | None:
    matched = _NAME.fullmatch(name)
    if matched is None or matched[1] not in _ACCEPTS:
        return "is not a field of the template"  # first, remark and keyword1 have not been allowed since 2023
    if not isinstance(value, str) or not value.strip():
        return "is empty"
    if "\n" in value or "\r" in value:
        return "has a line break"
    if not _ACCEPTS[matched[1]](value):
        return f"is not a valid {matched[1]}"
    return None
