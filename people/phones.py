"""Phone numbers as people write them, as we keep them, and as lists show them. Pure."""

import re

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{2,3}\d{7,8}")
_OTHER = re.compile(r"\+\d{7,15}")  # abroad, as E.164 writes it


def normal_phone(text: str) -> str | None:
    """The one way we keep a number: `138 0013-8000` and `+86 13800138000` → `13800138000`. None when it is none."""
    digits = re.sub(r"[\s\-()（）‐-―－]", "", text)
    home = re.sub(r"^(\+86|0086|86(?=1[3-9]\d{9}$))", "", digits)
    for pattern in (_MOBILE, _LANDLINE):
        if pattern.fullmatch(home):
            return home
    return digits if _OTHER.fullmatch(digits) else None


def masked(phone: str | None) -> str | None:
    """`138****1234`: enough to recognise, not enough to call."""
    if phone is None:
        return None
    hidden = len(phone) - 7 if len(phone) >= 11 else len(phone) // 2
    return phone[:3] + "*" * hidden + phone[3 + hidden :]
