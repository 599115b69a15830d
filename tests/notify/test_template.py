"""Values made to fit the fields of approved templates."""

import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.i18n import Language, Texts
from notify.errors import BadTemplate, MissingFacts
from notify.message import Composer
from notify.template import FieldType, TemplateRegistry, clip, fit, parse

HANGZHOU = ZoneInfo("Asia/Shanghai")
REGISTRY = TemplateRegistry.load()
TEXTS = Texts.load(["kit", "notify"])

ALLOWED = {
    FieldType.THING: r"[^\n\r]{1,20}",
    FieldType.CONST: r"[^\n\r]{1,20}",
    FieldType.NAME: r"[^\n\r]{1,10}",
    FieldType.CHARACTER_STRING: r"[\x21-\x7e]{0,32}",
    FieldType.PHRASE: r"[\u4e00-\u9fff]{0,5}",
    FieldType.NUMBER: r"[0-9.]{0,32}",
    FieldType.LETTER: r"[A-Za-z]{0,32}",
    FieldType.SYMBOL: r"[\x21-\x7e]{0,5}",
}


@given(st.text(max_size=200), st.sampled_from(sorted(ALLOWED)))
def test_whatever_comes_in_fits_its_type(value: str, type: FieldType) -> None:
    assert re.fullmatch(ALLOWED[type], fit(value, type=type, zone=HANGZHOU))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("3栋2单元", "3栋2单元"),
        ("一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
        ("两行\n文字\t在此", "两行 文字 在此"),
        ("", "—"),
        ("0", "0"),
    ],
)
def test_a_thing_is_one_line_of_twenty_characters(value: str, shown: str) -> None:
    assert fit(value, type=FieldType.THING, zone=HANGZHOU) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-22T02:42:31+00:00", "2026-11-22 10:42"),
        ("2026-11-22T10:42:00+08:00", "2026-11-22 10:42"),
        ("2026-11-22 10:42", "2026-11-22 10:42"),
        ("2026-99-99 10:42", "2026-99-99 10:42"),
    ],
)
def test_a_time_is_shown_in_the_zone_of_the_site(value: str, shown: str) -> None:
    assert fit(value, type=FieldType.TIME, zone=HANGZHOU) == shown


def test_digits_that_could_be_read_as_a_date_stay_digits() -> None:
    assert fit("20261122", type=FieldType.THING, zone=HANGZHOU) == "20261122"
    assert fit("20261122", type=FieldType.TIME, zone=HANGZHOU) == "20261122"


def test_a_phrase_is_chinese_even_for_a_reader_of_english() -> None:
    template = REGISTRY.get("work_order.joined")
    texts = _texts_with(taken=("已接单", "accepted"))
    composer = Composer(texts, link_base_url="https://hub.example/")
    facts = {"number": "WO-1", "place": "3栋", "state": "text:s.taken", "progress": "", "promised": ""}
    message = composer.compose(
        template, facts=facts, link=None, language=Language.EN, zone=HANGZHOU, reference="r"
    )  # fmt: skip
    assert message.wechat["phrase3"] == "已接单"
    assert message.body.startswith("3栋 has been reported already (WO-1): —, expected to be solved by —.")


def test_a_fact_that_only_looks_like_a_text_key_is_shown_as_it_is() -> None:
    composer = Composer(TEXTS, link_base_url="https://hub.example")
    facts = {"place": "text:no.such.key {time}", "time": ""}
    _, body = composer.words(REGISTRY.get("elevator.outage"), facts=facts, language=Language.ZH, zone=HANGZHOU)
    assert "text:no.such.key {time}自" in body


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", sorted(REGISTRY.keys()))
def test_every_template_has_words_in_both_languages_and_shows_its_facts(key: str, language: Language) -> None:
    template = REGISTRY.get(key)
    facts = {name: f"<{name}>" for name in template.facts}
    composer = Composer(TEXTS, link_base_url="https://hub.example")
    title, body = composer.words(template, facts=facts, language=language, zone=HANGZHOU)
    assert title
    shown = re.findall(r"<(\w+)>", title + body)
    essential = set(template.facts) - {"state", "promised", "known", "category"}
    assert essential <= set(shown)


def test_a_notice_without_a_fact_of_its_template_is_refused_and_an_empty_one_is_not() -> None:
    template = REGISTRY.get("elevator.outage")
    with pytest.raises(MissingFacts, match="time"):
        template.check({"place": "3栋"})
    template.check({"place": "", "time": ""})


@pytest.mark.parametrize("field", ["first", "remark", "keyword1", "thing", "Thing1"])
def test_fields_that_wechat_no_longer_shows_are_refused(field: str) -> None:
    with pytest.raises(BadTemplate, match=field):
        parse({"x": {"audience": "owner", "facts": ["a"], "wechat": {field: "{a}"}}})


def test_a_field_that_shows_an_undeclared_fact_is_refused() -> None:
    with pytest.raises(BadTemplate, match="b is shown"):
        parse({"x": {"audience": "owner", "facts": ["a"], "wechat": {"thing1": "{b}"}}})


def test_what_is_cut_off_says_so() -> None:
    assert clip("abc def", limit=5) == "abc…"


def _texts_with(**added: tuple[str, str]) -> Texts:
    known = {language: {key: TEXTS._texts[language][key] for key in TEXTS.keys(language)} for language in Language}
    for name, (chinese, english) in added.items():
        known[Language.ZH][f"s.{name}"], known[Language.EN][f"s.{name}"] = chinese, english
    return Texts(known)
