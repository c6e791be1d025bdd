"""The exception tree is one tree."""

from crawler import errors


def test_every_exception_descends_from_the_root():
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert errors.CrawleryError in found
    assert all(issubclass(value, errors.CrawleryError) for value in found)
