"""Numbers as owners write them: 3, ３, 三, 十二, 二十一, 五〇二."""

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "幺": 1}
CHINESE = "".join(_DIGITS) + "十百"


def number(text: str) -> int | None:
    """The number a text of ASCII digits or Chinese numerals stands for; None when it is none."""
    if text.isascii():
        return int(text) if text.isdigit() else None
    if any(char not in CHINESE for char in text):
        return None
    if "十" in text or "百" in text:
        return _counted(text)
    # Read out digit by digit, as rooms are: 五〇二.
    return int("".join(str(_DIGITS[char]) for char in text))


def _counted(text: str) -> int:
    total, current = 0, 0
    for char in text:
        if char == "百":
            total, current = total + max(current, 1) * 100, 0
        elif char == "十":
            total, current = total + max(current, 1) * 10, 0
        else:
            current = _DIGITS[char]
    return total + current
