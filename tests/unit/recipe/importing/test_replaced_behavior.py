"""How the replaced system fetched, and the keys that it ignored."""

from old_recipes import HEAD, SELECTORS, recipe_of


def test_waits_and_tries_become_limits_and_fetch():
    recipe, _ = recipe_of(
        HEAD
        + SELECTORS
        + "behavior: {rateLimit: 5, maxConcurrent: 3, retryAttempts: 2, retryDelay: 250, timeout: 8000}\n"
    )
    assert recipe["limits"] == {"delay": "10ms", "concurrency_per_domain": 3}
    assert recipe["fetch"] == {"timeout": "8s", "retry": {"times": 2, "backoff": "250ms..60s"}}


def test_headers_that_were_ignored_are_sent_but_for_secrets_and_what_only_a_browser_says():
    recipe, _ = recipe_of(
        HEAD + SELECTORS + "headers: {Accept-Language: he, Cookie: a=b, User-Agent: x, Sec-Fetch-Mode: y}\n"
    )
    assert recipe["fetch"]["headers"] == {"Accept-Language": "he"}


def test_categories_that_were_ignored_are_start_addresses():
    recipe, _ = recipe_of(
        HEAD + SELECTORS + "categories: [{name: a, url: /he/כיסאות}, {url: 'https://old.example/c/2'}]\n"
    )
    [start] = recipe["start"]
    assert start["urls"] == [
        "{{ inputs.site }}",
        "{{ inputs.site }}/he/%D7%9B%D7%99%D7%A1%D7%90%D7%95%D7%AA",
        "https://old.example/c/2",
    ]
