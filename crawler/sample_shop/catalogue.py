"""Generates the sample shop's catalogue: the same seed gives the same products, on every machine.

Each product draws from a generator of its own, seeded by the shop's seed and the product's SKU, so that a shop of 40
products is a part of the shop of 320. Knows nothing of HTML or HTTP.
"""

from __future__ import annotations

import random
import unicodedata
from decimal import Decimal
from itertools import product as combinations
from typing import TYPE_CHECKING, Final

from crawler.errors import ConfigError
from crawler.sample_shop.assortment import (
    ATTRIBUTE_NAMES,
    AWKWARD_NAMES,
    BRANDS,
    CATEGORIES,
    COUNTRIES,
    FEATURES,
    MATERIALS,
    REVIEWERS,
    REVIEWS,
    SENTENCES,
)
from crawler.sample_shop.model import Block, Catalogue, Category, Product, Review, Variation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.sample_shop.model import Availability

DEFAULT_SEED: Final = 2026
DEFAULT_PRODUCTS: Final = 320

#: Shares of the products whose page lacks something.
_NO_PRICE: Final = 0.03
_NO_BRAND: Final = 0.15
_NO_DESCRIPTION: Final = 0.08
_NO_IMAGE: Final = 0.06
_NO_EAN: Final = 0.2
_NO_WEIGHT: Final = 0.3
_NO_REVIEWS: Final = 0.3
_REDUCED: Final = 0.3


def build_catalogue(seed: int = DEFAULT_SEED, products: int = DEFAULT_PRODUCTS) -> Catalogue:
    """Makes the catalogue.

    Args:
        seed: equal seeds give equal catalogues.
        products: how many products, spread evenly over the categories.

    Raises:
        ConfigError: fewer products than categories that sell something.

    """
    selling = [category for category in CATEGORIES if category.nouns]
    if products < len(selling):
        raise ConfigError(f"a sample shop of {products} products: ask for {len(selling)} or more, one per category")
    made: list[Product] = []
    for position, category in enumerate(selling):
        share = products // len(selling) + (position < products % len(selling))
        for number, name in zip(range(1, share + 1), _names(category), strict=False):
            made.append(_product(seed, category, number, name))
    return Catalogue(categories=CATEGORIES, products=tuple(made))


def _names(category: Category) -> Iterator[str]:
    """Distinct product names without end: the awkward ones mixed in early, so that small shops have them too."""
    awkward = list(AWKWARD_NAMES.get(category.slug, ()))
    plain = _plain_names(category)
    while True:
        yield next(plain)
        if awkward:
            yield awkward.pop(0)


def _plain_names(category: Category) -> Iterator[str]:
    pairs = list(combinations(category.nouns, category.adjectives))
    random.Random(category.slug).shuffle(pairs)  # noqa: S311 - made-up goods need no cryptography
    edition = 1
    while True:
        for noun, adjective in pairs:
            words = (adjective, noun) if category.language == "en" else (noun, adjective)
            yield " ".join(words) + (f" {edition}" if edition > 1 else "")
        edition += 1


def _product(seed: int, category: Category, number: int, name: str) -> Product:
    dash = "-" if category.sku_prefix.isalpha() else ""  # one category has all-digit SKUs with leading zeros
    sku = f"{category.sku_prefix}{dash}{number:04d}"
    rng = random.Random(f"{seed}/{sku}")  # noqa: S311 - see above
    language = category.language
    price = _price(rng, category)
    regular = _regular(rng, price)
    availability, stock = _availability(rng)
    reviews = _reviews(rng, category)
    material, country = ATTRIBUTE_NAMES[language]
    attributes = [(material, rng.choice(MATERIALS[language])), (country, rng.choice(COUNTRIES[language]))]
    variations: tuple[Variation, ...] = ()
    if rng.random() < category.variable_share:
        variations = _variations(rng, category, sku, price)
        cheapest = min(variations, key=lambda variation: variation.price)
        price, regular = cheapest.price, cheapest.regular_price
        availability, stock = _joint_availability(variations), None
    on_request = not variations and rng.random() < _NO_PRICE
    return Product(
        sku=sku,
        name=name,
        slug=_slug(name, sku),
        category=category,
        trail=_trail(category),
        price=None if on_request else price,
        regular_price=None if on_request else regular,
        availability=availability,
        stock=stock,
        brand=None if rng.random() < _NO_BRAND else rng.choice(BRANDS[language]),
        rating=_mean_rating(reviews),
        reviews=reviews,
        description=() if rng.random() < _NO_DESCRIPTION else _description(rng, category, name),
        images=_images(rng, sku),
        ean=None if rng.random() < _NO_EAN else _ean(rng),
        weight_kg=None if rng.random() < _NO_WEIGHT else _hundredths(5 + int(4000 * rng.random() ** 3)),
        attributes=tuple(attributes[: rng.randint(0, 2)]),
        variations=variations,
        listed=f"2026-{rng.randint(1, 6):02d}-{rng.randint(1, 28):02d}",
    )


def _trail(category: Category) -> tuple[str, ...]:
    names = {other.slug: other for other in CATEGORIES}
    trail = [category.name]
    while category.parent is not None:
        category = names[category.parent]
        trail.insert(0, category.name)
    return tuple(trail)


def _slug(name: str, sku: str) -> str:
    """Lower-case words of the name in any script, then the SKU; never empty, unique because the SKU is."""
    plain = unicodedata.normalize("NFC", name).lower()
    # combining marks belong to their letter: a Devanagari vowel sign is not a word boundary
    letters = "".join(letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in plain)
    return "-".join([*letters[:60].split(), sku.lower()])


def _price(rng: random.Random, category: Category) -> Decimal:
    low, high = category.price_range
    # squared: most goods are cheap, some cost more than a thousand
    units = low + int((high - low) * rng.random() ** 2)
    return Decimal(f"{units}.{rng.choice((0, 50, 90, 95, 99)):02d}")


def _hundredths(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)


def _regular(rng: random.Random, price: Decimal) -> Decimal | None:
    if rng.random() >= _REDUCED:
        return None
    return (price * Decimal(rng.choice((115, 120, 150, 200))) / 100).quantize(Decimal("0.01"))


def _availability(rng: random.Random) -> tuple[Availability, int | None]:
    drawn = rng.random()
    if drawn < 0.12:
        return "OutOfStock", None
    if drawn < 0.17:
        return "BackOrder", None
    if drawn < 0.2:
        return "PreOrder", None
    return "InStock", None if drawn < 0.25 else rng.randint(1, 60)


def _joint_availability(variations: tuple[Variation, ...]) -> Availability:
    present = {variation.availability for variation in variations}
    order: tuple[Availability, ...] = ("InStock", "BackOrder", "PreOrder", "OutOfStock")
    return next(availability for availability in order if availability in present)


def _variations(rng: random.Random, category: Category, sku: str, price: Decimal) -> tuple[Variation, ...]:
    axes = [[(axis.name, option) for option in axis.options] for axis in category.axes]
    every = list(combinations(*axes))
    # a shop rarely stocks every combination
    kept = every if len(every) <= 3 else [options for options in every if rng.random() < 0.85] or every[:2]
    variations = []
    for number, options in enumerate(kept, start=1):
        own_price = price + Decimal(rng.choice((0, 0, 0, 5, 10)))
        availability, stock = _availability(rng)
        variation = Variation(
            sku=f"{sku}-{number}",
            options=options,
            price=own_price,
            regular_price=_regular(rng, own_price),
            availability=availability,
            stock=stock,
        )
        variations.append(variation)
    return tuple(variations)


def _reviews(rng: random.Random, category: Category) -> tuple[Review, ...]:
    if rng.random() < _NO_REVIEWS:
        return ()
    language = category.language
    return tuple(
        Review(
            author=rng.choice(REVIEWERS[language]),
            rating=rng.choice((5, 5, 5, 4, 4, 3, 2, 1)),
            date=f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            text=rng.choice(REVIEWS[language]),
        )
        for _ in range(rng.randint(1, 6))
    )


def _mean_rating(reviews: tuple[Review, ...]) -> Decimal | None:
    if not reviews:
        return None
    return (Decimal(sum(review.rating for review in reviews)) / len(reviews)).quantize(Decimal("0.1"))


def _description(rng: random.Random, category: Category, name: str) -> tuple[Block, ...]:
    language = category.language
    sentences = rng.sample(SENTENCES[language], k=min(5, len(SENTENCES[language])))
    blocks = [Block(kind="p", lines=(f"{name}: {sentences[0]} {sentences[1]}",))]
    if rng.random() < 0.7:
        blocks.append(Block(kind="ul", lines=tuple(rng.sample(FEATURES[language], k=min(3, len(FEATURES[language]))))))
    if rng.random() < 0.5:
        blocks.append(Block(kind="p", lines=(sentences[2], sentences[3])))
    blocks.append(Block(kind="p", lines=(sentences[4],)))
    return tuple(blocks)


def _images(rng: random.Random, sku: str) -> tuple[str, ...]:
    if rng.random() < _NO_IMAGE:
        return ()
    return tuple(f"/media/{sku}/{number}.svg" for number in range(1, rng.randint(1, 5) + 1))


def _ean(rng: random.Random) -> str:
    """Twelve digits, sometimes with a leading zero, and the GS1 check digit."""
    digits = [rng.choice((0, 4, 7)), *(rng.randint(0, 9) for _ in range(11))]
    odd_even = sum(digits[::2]) + 3 * sum(digits[1::2])
    return "".join(map(str, digits)) + str(-odd_even % 10)
