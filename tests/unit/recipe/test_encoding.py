"""Which encoding wins, and that no bytes whatever can break decoding."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import ParseRefused
from crawler.recipe.encoding import Decoded, decode, utf8_of

HEBREW = "כיסא"


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "name", "text"),
    [
        (HEBREW.encode(), None, None, "utf-8", HEBREW),
        (HEBREW.encode("cp1255"), "text/html; charset=windows-1255", None, "cp1255", HEBREW),
        (
            HEBREW.encode("cp1255"),
            "text/html; charset=utf-8",
            "windows-1255",
            "cp1255",
            HEBREW,
        ),  # the recipe knows better
        (HEBREW.encode(), "text/html; charset=utf-8", None, "utf-8", HEBREW),
        (codecs.BOM_UTF8 + HEBREW.encode(), "text/html; charset=windows-1255", None, "utf-8", HEBREW),
        (codecs.BOM_UTF8 + HEBREW.encode(), None, "windows-1255", "utf-8", HEBREW),  # a BOM beats everything
        (codecs.BOM_UTF16_LE + HEBREW.encode("utf-16-le"), None, None, "utf-16-le", HEBREW),
        (b"\xe0", "text/html; charset=nonsense", None, "utf-8", "\ufffd"),
        (b"a", "text/html; charset=base64", None, "utf-8", "a"),
        (b"a", "text/html; charset=idna", None, "utf-8", "a"),
    ],
)
def test_bom_then_recipe_then_header_then_utf8(body, content_type, encoding, name, text):
    decoded = decode(body, content_type=content_type, encoding=encoding)
    assert (decoded.encoding, decoded.text, decoded.utf8) == (name, text, text.encode())


@pytest.mark.parametrize(
    "declaration",
    [
        "<meta charset=windows-1255>",
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1255">',
        '<?xml version="1.0" encoding="windows-1255"?>',
    ],
)
def test_the_page_may_say_its_encoding_itself(declaration):
    body = declaration.encode() + HEBREW.encode("cp1255")
    assert decode(body, content_type="text/html", encoding=None).text == declaration + HEBREW
    assert HEBREW not in decode(body, content_type="text/html; charset=utf-8", encoding=None).text


def test_a_page_that_says_utf16_in_ascii_is_no_utf16():
    body = b"<meta charset=utf-16>abc"
    assert decode(body, content_type=None, encoding=None).encoding == "utf-8"


@pytest.mark.parametrize("encoding", ["nonsense", "base64", "rot13", ""])
def test_an_encoding_that_is_none_is_refused_by_name(encoding):
    with pytest.raises(ParseRefused, match="no encoding"):
        decode(b"a", content_type=None, encoding=encoding)


@given(
    st.binary(max_size=200),
    st.sampled_from([None, "utf-8", "utf-16", "utf-32", "cp1255", "shift_jis", "iso-2022-jp", "gb18030"]),
)
def test_any_bytes_decode_to_text_that_can_be_encoded_again(body, encoding):
    decoded = decode(body, content_type=None, encoding=encoding)
    assert decoded.text.encode() == decoded.utf8


def test_half_surrogate_pairs_become_question_marks():
    assert utf8_of("a\ud800b") == b"a?b"


@given(
    st.binary(max_size=200) | st.text("aé€😬").map(str.encode),
    st.integers(0, 20),
    st.sampled_from([None, "utf-16", "cp1255"]),
)
def test_the_start_is_that_of_the_whole_text(body, characters, encoding):
    decoded = decode(body, content_type=None, encoding=encoding)
    assert decoded.start(characters) == decoded.text[:characters] == decoded.start(characters)


def test_a_page_of_utf8_is_kept_as_it_is():
    page = decode(b"<p>\xff" + HEBREW.encode(), content_type=None, encoding=None)
    assert page.html == b"<p>\xff" + HEBREW.encode()
    assert page.utf8 == f"<p>\ufffd{HEBREW}".encode()
    assert Decoded.of_text("a\ud800b").utf8 == b"a?b"
