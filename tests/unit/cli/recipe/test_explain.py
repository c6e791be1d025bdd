"""`crawlery recipe explain`: the plan in words."""


def test_explain_says_what_each_part_does(recipes, run):
    output = run("explain", "chairs")
    for words in (
        "chairs 1.2.0: Chairs of a shop",
        "site: string uri, default https://x.example",
        "GET {{ inputs.site }}/ as listing",
        "follows css: li a to chair",
        "goes on at css: a.next, at most 1,000 pages",
        "name: the first of",
        "1. css: .title h2",
        "price: css: .summary .price, then price",
        "Item chair (version 1, identified by url)",
        "name: string, required",
        "writes chair rows to chairs.csv",
    ):
        assert words in output, words
