"""The page about the API can be read: its colours differ enough, in light and in dark."""

from __future__ import annotations

import re

import pytest

from control_api.reference_style import STYLE


def colours():
    """Those of each theme, by name."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = [dict(re.findall(r"--(\w+): (#[0-9a-f]+);", block)) for block in (light, dark)]
    return {"light": found[0], "dark": found[1]}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "panel"])
def test_words_stand_out_as_wcag_aa_asks(theme, ground):
    palette = colours()[theme]
    words = ("ink", "soft", "link", "get", "post", "patch", "key", "string", "number")
    for name in words:
        pair = sorted((luminance(palette[name]), luminance(palette[ground])))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, name


def test_both_themes_say_the_same_colours():
    assert set(colours()["light"]) == set(colours()["dark"])


def test_nothing_is_loaded_by_it():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
