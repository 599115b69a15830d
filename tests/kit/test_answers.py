"""Keys, fingerprints and sealed answers."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.answers import Answer, KeyInvalid, check_key, fingerprint, sealed_answer, ticket_of, unsealed

words = st.text(min_size=1, max_size=20)


@given(words, words, words, words)
@settings(max_examples=50)
def test_two_keys_or_callers_never_share_a_name(caller: str, key: str, other_caller: str, other_key: str) -> None:
    mine = ticket_of(caller=caller, key=key, what="")
    theirs = ticket_of(caller=other_caller, key=other_key, what="")
    assert (mine.name == theirs.name) == ((caller, key) == (other_caller, other_key))
    assert mine.name != mine.secret.hex()


@given(st.binary(max_size=200), st.integers(200, 499))
@settings(max_examples=50)
def test_an_answer_opens_with_its_own_key_only(body: bytes, status: int) -> None:
    answer = Answer(status, [("content-type", "application/json")], body)
    mine, other = ticket_of(caller="a", key="k", what=""), ticket_of(caller="a", key="l", what="")
    sealed = sealed_answer(answer, mine.secret)
    assert unsealed(sealed, mine.secret) == answer
    assert len(body) < 4 or body not in sealed
    with pytest.raises(InvalidTag):
        unsealed(sealed, other.secret)


def test_the_same_form_sent_again_is_the_same_whatever_its_boundary() -> None:
    def sent(boundary: str, content: bytes) -> str:
        mark = boundary.encode()
        body = b"--%b\r\nContent-Disposition: form-data; name=f\r\n\r\n%b\r\n--%b--" % (mark, content, mark)
        return fingerprint("POST", "/p", b"", content_type=f"multipart/form-data; boundary={boundary}", body=[body])

    assert sent("aaaa1111", b"x") == sent("bbbb2222", b"x")
    assert sent("aaaa1111", b"x") != sent("aaaa1111", b"y")


@given(st.lists(st.sampled_from([b"ab", b"a", b"b", b"aab", b"x"])), st.data())
@settings(max_examples=100)
def test_a_form_is_the_same_however_its_bytes_came_in_parts(words: list[bytes], data: st.DataObject) -> None:
    body = b"".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    parts = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    def print_of(body: list[bytes], content_type: str = "multipart/form-data; boundary=aab") -> str:
        return fingerprint("POST", "/p", b"", content_type=content_type, body=body)

    stripped = print_of([body.replace(b"aab", b"")], "multipart/form-data; boundary=zz")
    assert print_of(parts) == print_of([body]) == stripped


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("POST", "/a", b"", "json", b"b"), ("POST", "/a", b"", "json", b"c")),
        (("POST", "/a", b"", "json", b"b"), ("POST", "/b", b"", "json", b"b")),
        (("POST", "/a", b"x=1", "json", b"b"), ("POST", "/a", b"x=2", "json", b"b")),
        (("POST", "/ab", b"", "json", b"c"), ("POST", "/a", b"b", "json", b"c")),
        (("POST", "/a", b"", "json", b"b"), ("PUT", "/a", b"", "json", b"b")),
    ],
)
def test_what_differs_in_anything_is_other_content(
    first: tuple[str, str, bytes, str, bytes], second: tuple[str, str, bytes, str, bytes]
) -> None:
    def print_of(request: tuple[str, str, bytes, str, bytes]) -> str:
        method, path, query, content_type, body = request
        return fingerprint(method, path, query, content_type=content_type, body=[body])

    assert print_of(first) != print_of(second)


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "键", "a\n"])
def test_a_key_is_short_and_printable(key: str) -> None:
    with pytest.raises(KeyInvalid):
        check_key(key)
    check_key("x" * 200)
