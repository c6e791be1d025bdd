from __future__ import annotations

import hashlib
import hmac

import pytest

from crawler.errors import ConfigError
from crawler.peppers import Peppers


def test_the_first_pepper_is_for_new_keys():
    peppers = Peppers.of(" new:s3cret-of-now , old:s3cret:of-then,")
    assert peppers.current == "new"
    assert peppers.by_id == {"new": b"s3cret-of-now", "old": b"s3cret:of-then"}


def test_a_digest_is_the_hmac_of_the_secret_with_the_pepper():
    peppers = Peppers.of("a:one,b:two")
    assert peppers.digest("b", "key") == hmac.new(b"two", b"key", hashlib.sha256).digest()
    assert peppers.digest("a", "key") != peppers.digest("b", "key")


def test_with_a_pepper_that_is_gone_no_digest_is_ever_the_same():
    peppers = Peppers.of("a:one")
    assert len({peppers.digest("gone", "key") for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no pepper"),
        (" , ", "there is no pepper"),
        ("only-a-secret", "pepper 1 is not written ID:SECRET"),
        ("a:one,two", "pepper 2 is not written ID:SECRET"),
        ("a:", "pepper 1 is not written ID:SECRET"),
        (":one", "pepper 1 is not written ID:SECRET"),
        ("a b:one", "pepper 1 is not written ID:SECRET"),
        ("\u00e9:one", "pepper 1 is not written ID:SECRET"),
        (f"{'a' * 33}:one", "pepper 1 is not written ID:SECRET"),
        ("a:one,a:two", "two peppers are called a"),
    ],
)
def test_what_is_written_otherwise_is_refused_without_showing_a_secret(text, message):
    with pytest.raises(ConfigError, match=message) as error:
        Peppers.of(text)
    assert "one" not in str(error.value).replace("there is none", "")
    assert "only-a-secret" not in str(error.value)


def test_no_pepper_is_shown():
    assert "s3cret" not in repr(Peppers.of("a:s3cret"))
