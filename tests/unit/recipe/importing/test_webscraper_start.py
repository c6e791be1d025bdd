"""Start addresses of Web Scraper's sitemaps."""

from old_recipes import selector, sitemap
from old_recipes import sitemap_recipe as recipe_of


def test_ranges_of_start_addresses_are_counted():
    recipe, _ = recipe_of(
        sitemap(
            selector("t", "Text", "h1", multiple=False),
            start=["https://a.example/x", "https://a.example/p[1-3]", "https://a.example/[008-010]/[0-20:10]"],
        )
    )
    assert recipe["start"] == [
        {"urls": "https://a.example/x", "page": "start"},
        {"urls": "https://a.example/p{{ number }}", "for_each": {"number": [1, 2, 3]}, "page": "start"},
        {
            "urls": "https://a.example/{{ number_1 }}/{{ number_2 }}",
            "for_each": {"number_1": ["008", "009", "010"], "number_2": [0, 10, 20]},
            "page": "start",
        },
    ]


def test_an_address_with_many_ranges_is_left_to_a_person():
    start = ["https://a.example/", "https://a.example/[1-9]/[1-9]/[1-9]"]
    recipe, findings = recipe_of(sitemap(selector("t", "Text", "h1", multiple=False), start=start))
    assert recipe["start"] == [{"urls": "https://a.example/", "page": "start"}]
    assert [(finding.kind, finding.path) for finding in findings] == [("decide", "startUrl[1]")]
