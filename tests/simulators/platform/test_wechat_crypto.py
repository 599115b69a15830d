import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.platform.wechat_crypto import BadCiphertext, MessageCipher, from_xml, signature, to_xml
from tests.simulators.platform.bench import AES_KEY

CIPHER = MessageCipher(encoding_aes_key=AES_KEY, app_id="wx-demo")


def test_the_signature_of_the_documented_example():
    assert signature("tok123", "1714112445", "415670741") == "edfc97d03147d322e01f37e6b6bc1f2aa5dc34a1"


@given(text=st.text(max_size=300))
def test_what_is_sealed_is_opened_again(text):
    assert CIPHER.decrypt(CIPHER.encrypt(text)) == text


def test_a_sealed_message_is_padded_to_32_bytes():
    assert all(len(base64.b64decode(CIPHER.encrypt("x" * n))) % 32 == 0 for n in range(40))


def test_another_library_reads_what_we_seal():
    wechatpy = pytest.importorskip("wechatpy.crypto")
    sealed, timestamp, nonce = CIPHER.encrypt("<xml><Content>漏水</Content></xml>"), "1714112445", "n"
    crypto = wechatpy.WeChatCrypto("tok123", AES_KEY, "wx-demo")
    envelope = to_xml({"ToUserName": "gh", "Encrypt": sealed})
    opened = crypto.decrypt_message(envelope, signature("tok123", timestamp, nonce, sealed), timestamp, nonce)
    assert "漏水" in opened


@pytest.mark.parametrize("sealed", ["", "????", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_rubbish_does_not_open(sealed):
    with pytest.raises(BadCiphertext):
        CIPHER.decrypt(sealed)


def test_a_message_for_another_account_does_not_open():
    other = MessageCipher(encoding_aes_key=AES_KEY, app_id="wx-other")
    with pytest.raises(BadCiphertext, match="another account"):
        CIPHER.decrypt(other.encrypt("x"))


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="43"):
        MessageCipher(encoding_aes_key="c2hvcnQ", app_id="x")


@given(text=st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs", "Cc")), max_size=100))
def test_text_survives_its_xml(text):
    # "]]>" ends a CDATA section and is split over two; the small reader here is for replies without it.
    fields = from_xml(to_xml({"Content": text.replace("]]>", ""), "CreateTime": 5}))
    assert fields == {"Content": text.replace("]]>", ""), "CreateTime": "5"}
