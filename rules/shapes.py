"""What is wrong with the shape of a rule, as a kind of mistake that `kit.invalid.*` has words for in both languages."""

import keyword
import re

from pydantic_core import PydanticCustomError

from rules.durations import parse_duration_ms
from rules.schedules import parse_schedule

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
# Points of other equipment are named by these.
RESERVED = ("parent", "other")
ORDER_KINDS = ("repair", "entrapment", "smoke")


def wrong(kind: str, english: str) -> PydanticCustomError:
    """`english` is for logs; people read the text of `kit.invalid.rule_<kind>`."""
    # Braces would be taken for facts.
    return PydanticCustomError(f"rule_{kind}", english.replace("{", "{{").replace("}", "}}"))


def a_duration(text: str) -> str:
    try:
        parse_duration_ms(text)
    except ValueError as error:
        raise wrong("duration", str(error)) from None
    return text


def a_schedule(text: str) -> str:
    try:
        parse_schedule(text)
    except ValueError as error:
        raise wrong("schedule", str(error)) from None
    return text


def without_nul(text: str) -> str:
    if "\x00" in text:
        raise wrong("nul", "must not contain the character NUL")
    return text


# Before the patterns of the schema, whose refusal only programmers can read.


def like_a_key(value: object) -> object:
    if isinstance(value, str) and not _KEY.fullmatch(value):
        raise wrong("key", "small letters and digits, with single hyphens between: pump-bearing-wear")
    return value


def like_a_duration(value: object) -> object:
    if not isinstance(value, str):
        raise wrong("duration", "a length of time is a text with its unit: 90s")
    return value


def like_a_parameter(value: object) -> object:
    if isinstance(value, str) and (keyword.iskeyword(value) or value in RESERVED):
        raise wrong("parameter", "a word of the language cannot name a parameter")
    return like_an_identifier(value)


def like_an_order(value: object) -> object:
    if value is not None and isinstance(value, str | int | float | list):
        raise wrong("order", "a work order has a kind and a priority")
    return value


def like_an_identifier(value: object) -> object:
    if isinstance(value, str) and not _IDENTIFIER.fullmatch(value):
        raise wrong("identifier", "small letters, digits and _, beginning with a letter: bearing_temp_c")
    return value


def an_order_kind(value: object) -> object:
    if isinstance(value, str) and value not in ORDER_KINDS:
        raise wrong("order_kind", f"one of {', '.join(ORDER_KINDS)}")
    return value
