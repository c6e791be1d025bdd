"""Every exception that Crawlery raises on purpose, in one tree.

    CrawleryError
    +-- ConfigError          a setting or an environment variable is wrong
    +-- RecipeError          a recipe cannot be used; carries every problem found in it
    +-- InputError           the inputs given to a recipe do not fit its schema
    +-- PageError            one page could not be turned into rows

Each message says what was wrong, where, and what to do. Nothing here knows about Scrapy, HTTP or the command line:
the borders turn these into an exit status or a response.
"""


class CrawleryError(Exception):
    """Root of the tree: whatever a caller may want to show instead of a traceback."""


class ConfigError(CrawleryError):
    """A setting or an environment variable has a value that cannot be used."""
