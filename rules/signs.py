"""What people type otherwise than the language has it: signs of a Chinese keyboard, of other languages, units."""

import re

from rules import errors

# What is meant by each.
_SIGNS = {
    "＞": ">", "＜": "<", "＝": "==", "≥": ">=", "≤": "<=", "≠": "!=", "（": "(", "）": ")", "，": ",", "。": ".",
    "＋": "+", "－": "-", "—": "-", "×": "*", "＊": "*", "÷": "/", "／": "/", "＆": "and", "｜": "or", "！": "not",
    "‘": "'", "’": "'", "“": "'", "”": "'", "【": "[", "】": "]", "％": "%", "．": ".", "＿": "_", "、": ",",
    "&&": "and", "||": "or", "&": "and", "|": "or", "且": "and", "或": "or", "非": "not", "并且": "and", "或者": "or",
    "=>": ">=", "=<": "<=", "<>": "!=", "大于": ">", "小于": "<", "等于": "==", "大于等于": ">=", "小于等于": "<=",
    "不等于": "!=", **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
}  # fmt: skip
_WORDS = {
    "AND": "and", "And": "and", "OR": "or", "Or": "or", "NOT": "not", "Not": "not", "true": "True", "TRUE": "True",
    "false": "False", "FALSE": "False",
}  # fmt: skip
_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True)))
_WORD = re.compile(rf"(?<![\w.])(?:{'|'.join(_WORDS)})(?!\w)")
_SINGLE_EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
_EXCLAMATION = re.compile(r"!(?!=)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_BARE_WINDOW = re.compile(r"(?<=,)(\s*)((?:\d+[smhd])+)(?=\s*\))")
# A per cent sign is a unit only where nothing comes after it that it could be the remainder by.
_WITH_UNIT = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*(?:°\s*[CF]?|℃|℉|%(?=\s*(?:$|\)|and\b|or\b))"
    r"|(?!(?:and|or|not|in|is|if|else|for)\b)[A-Za-zµμΩ]+[23²³]?(?:/[A-Za-z]+)?)(?!\w)"
)
_EXPONENT = re.compile(r"[\d.]+[eE]")


def refuse_foreign_signs(text: str) -> None:
    """Raises SignNotUnderstood and UnitWritten, for the first one of its kind."""
    text = _QUOTED.sub(lambda quoted: "'" * len(quoted[0]), text)  # a code may have any sign
    if found := _SIGN.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found=found[0], instead=_SIGNS[found[0]])
    if found := _WORD.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found=found[0], instead=_WORDS[found[0]])
    if found := _SINGLE_EQUALS.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found="=", instead="==")
    if found := _EXCLAMATION.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found="!", instead="not")
    if found := _BARE_WINDOW.search(text):
        raise errors.SignNotUnderstood(found.start(2) + 1, found=found[2], instead=f"'{found[2]}'")
    for found in _WITH_UNIT.finditer(text):
        if not _EXPONENT.fullmatch(found[0]):
            raise errors.UnitWritten(found.start() + 1, found=found[0], number=found[1])
