from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.access.keys import KeyText, new_key, read_key


def test_a_new_key_is_read_as_the_parts_that_it_was_made_of():
    for _ in range(50):
        parts, text = new_key()
        assert re.fullmatch(r"ck_live_[a-z2-7]{8}_[0-9A-Za-z]{49}", text)
        assert read_key(text) == parts


def test_no_two_keys_are_the_same():
    made = [new_key()[0] for _ in range(200)]
    assert len({key.id for key in made}) == len({key.secret for key in made}) == 200


def test_the_checksum_is_a_crc_32_in_base_62_of_what_stands_before_it():
    parts, text = new_key()
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    number = 0
    for digit in text[-6:]:
        number = number * 62 + alphabet.index(digit)
    assert number == zlib.crc32(f"{parts.id}_{parts.secret}".encode())


def test_a_key_with_any_character_changed_is_none():
    _, text = new_key()
    for place, char in enumerate(text):
        other = "a" if char != "a" else "b"
        assert read_key(text[:place] + other + text[place + 1 :]) is None, place


def test_a_key_with_two_characters_swapped_is_none():
    _, text = new_key()
    for place in range(len(text) - 1):
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert swapped == text or read_key(swapped) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "a",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("ck_live_", "ck_test_"),
        lambda text: text.replace("ck_live_", ""),
        lambda text: text.replace("_", "-"),
        lambda text: text[:20] + "\u0661" + text[21:],
        lambda text: text[:20] + "\0" + text[21:],
        lambda text: text * 2,
    ],
)
def test_what_is_written_otherwise_is_no_key(change):
    assert read_key(change(new_key()[1])) is None


@given(st.text())
def test_no_text_breaks_the_reader(text):
    assert read_key(text) is None
    assert read_key(f"ck_live_{text}") is None


def test_a_secret_is_not_shown():
    assert "s3cret" not in repr(KeyText(id="abcdefgh", secret="s3cret"))
