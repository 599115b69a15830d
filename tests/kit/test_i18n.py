import pytest

from kit.i18n import Language, MissingText, TextKey, Texts

TEXTS = Texts(
    {
        Language.ZH: {"greeting": "{name}，{field}没有填", "field.phone": "电话", "field.name": "姓名"},
        Language.EN: {"greeting": "{name}, {field} is missing", "field.phone": "phone", "field.name": "name"},
    }
)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, Language.ZH),
        ("", Language.ZH),
        ("fr-FR", Language.ZH),
        ("en-GB,zh;q=0.5", Language.EN),
        ("fr,en;q=0.9", Language.EN),
        ("zh-TW", Language.ZH),
    ],
)
def test_the_first_language_we_speak_is_chosen(header: str | None, language: Language) -> None:
    assert Language.of_header(header) is language


def test_a_fact_that_is_a_text_is_shown_in_the_readers_language() -> None:
    assert TEXTS.text("greeting", Language.ZH, name="张工", field=TextKey("field.phone")) == "张工，电话没有填"
    both = [TextKey("field.phone"), TextKey("field.name")]
    assert TEXTS.text("greeting", Language.ZH, name="张工", field=both) == "张工，电话、姓名没有填"
    assert TEXTS.text("greeting", Language.EN, name="Zhang", field=both) == "Zhang, phone, name is missing"


def test_outside_input_never_passes_for_a_text() -> None:
    assert TEXTS.text("greeting", Language.EN, name="field.phone", field="text:x") == "field.phone, text:x is missing"


def test_a_missing_text_is_a_defect_of_ours() -> None:
    with pytest.raises(MissingText, match="farewell"):
        TEXTS.text("farewell", Language.EN)
