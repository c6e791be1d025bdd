"""The small texts of recipes: names, versions, parents, encodings."""

import pytest

from crawler.recipe.language_texts import (
    domain_problem,
    encoding_problem,
    extends_problem,
    field_name,
    input_problem,
    name_problem,
    version_problem,
)


@pytest.mark.parametrize(
    ("judge", "good", "bad"),
    [
        (name_problem, ["shop", "quotes-api", "a_1"], ["", "Shop", "1a", "a b", "a/b", "..", "é", "a" * 65]),
        (field_name, ["title", "regular_price", "a1", "_x"], ["", "1a", "a-b", "a.b", "a b", "é", "a" * 65]),
        (input_problem, ["site", "max_items"], ["name", "state", "start_urls", "a-b"]),
        (
            version_problem,
            ["1.0.0", "10.20.30", "1.0.0-beta.1"],
            ["1.0", "1", "v1.0.0", "01.0.0", "1.0.0-", "1.0.x", "1.0.0-a..b", "١.٠.٠"],
        ),
        (
            extends_problem,
            ["base@1", "woo-commerce@12"],
            ["base", "base@", "@1", "base@x", "a/b@1", "Base@1", "base@1@2", "base@٢"],
        ),
        (
            domain_problem,
            ["a.example", "xn--a.b", "{{ inputs.x }}", "קום.co"],
            ["https://a.b", "a b", "a/b", ".a", "a:80", ""],
        ),
        (encoding_problem, ["auto", "utf-8", "windows-1255"], ["utf-99", "", "a\x00b"]),
    ],
)
def test_good_texts_pass_and_bad_ones_are_told_why(judge, good, bad):
    assert [judge(text) for text in good] == [None] * len(good)
    assert all(judge(text) for text in bad), [text for text in bad if not judge(text)]
