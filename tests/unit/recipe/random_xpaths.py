"""XPath of the common forms, made from a number: names, classes and texts are those of `messy_pages`."""

from __future__ import annotations

import random

_COMMON = "* a b i p div span ul li td th tr table tbody h1 h2 h3 img"
_RARE = "html body head title svg path code em option select script noscript dt dd"
NAMES = [*_COMMON.split() * 3, *_RARE.split()]
ATTRIBUTES = ["class", "href", "id", "src", "title", "alt", "lang", "selected", "d", "type", "itemprop", "content"]
CLASSES = ["price", "new", "old", "row", "sku", "a", "b", "photo", "home", "main"]
TEXTS = ["Chair", "Size", "1,290.00", "M", "a", "t ", "b", "x", "An image", "café", "/p/", "", " "]
AXES = ["following-sibling", "preceding-sibling", "parent", "ancestor", "child", "self"]


class RandomXPath:
    """Writes one expression."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)

    def whole(self, *, row: bool = False) -> str:
        path = self.path(row=row)
        roll = self.random.random()
        if roll < 0.1:
            return f"({self.elements(row=row)})[{self.place()}]{self.maybe(self.ending(), 0.5)}"
        if roll < 0.2:
            return " | ".join(self.elements(row=row) + self.ending_of_union() for _ in range(2))
        if roll < 0.3:
            return self.random.choice(["string({})", "normalize-space({})", "substring-after({}, 'a')"]).format(path)
        return path

    def path(self, *, row: bool) -> str:
        return self.elements(row=row) + self.maybe(self.ending(), 0.4)

    def elements(self, *, row: bool) -> str:
        path = self.random.choice([".//", "./", ""] if row else ["//", "//", "//", "/html/", ".//"])
        path += self.step(first=True)
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            path += self.random.choice(["/", "//"]) + self.step(first=False)
        return path

    def step(self, *, first: bool) -> str:
        axis = "" if first or self.random.random() < 0.8 else self.random.choice(AXES) + "::"
        brackets = "".join(f"[{self.bracket()}]" for _ in range(self.random.choice([0, 0, 1, 1, 2])))
        return axis + self.random.choice(NAMES) + brackets

    def ending(self) -> str:
        attribute = f"@{self.random.choice(ATTRIBUTES)}"
        bracket = self.random.choice([self.place(), self.of_text(), "normalize-space()"])
        text = "text()" + self.maybe(f"[{bracket}]", 0.3)
        return self.random.choice([f"/{attribute}", f"//{attribute}", f"/{text}", "//text()", "/text()", "/.."])

    def ending_of_union(self) -> str:
        return self.maybe(f"/@{self.random.choice(ATTRIBUTES)}", 0.4)

    def place(self) -> str:
        return self.random.choice(["1", "2", "3", "last()", "position() < 3", "position() > 1", "last()-1"])

    def of_text(self) -> str:
        test = self.random.choice(["contains(., {})", "starts-with(., {})", ". = {}", "normalize-space(.) = {}"])
        return test.format(f"'{self.random.choice(TEXTS)}'")

    def bracket(self) -> str:
        if self.random.random() < 0.25:
            return self.place()
        test = self.test()
        if self.random.random() < 0.2:
            test += self.random.choice([" and ", " or "]) + self.test()
        return test

    def test(self) -> str:
        text, attribute = f"'{self.random.choice(TEXTS)}'", f"@{self.random.choice(ATTRIBUTES)}"
        word, name = self.random.choice(CLASSES), self.random.choice(NAMES)
        return self.random.choice(
            [
                attribute,
                f"not({attribute})",
                f"{attribute} = {text}",
                f"{attribute} != {text}",
                f"@class = '{word}'",
                f"contains(@class, '{word}')",
                f"contains({attribute}, {text})",
                f"starts-with({attribute}, {text})",
                f"contains(concat(' ', normalize-space(@class), ' '), ' {word} ')",
                f"contains(concat(' ', @class, ' '), ' {word} ')",
                self.of_text(),
                f"text() = {text}",
                f"contains(text(), {text})",
                f"normalize-space(text()) = {text}",
                f".//{name}",
                f"not(.//{name})",
                name,
                f"not({name})",
                f"{name}/@class",
                f"{name} = {text}",
                f"parent::{name}",
                f"self::{name}",
                f"following-sibling::{name}",
                f"not(preceding-sibling::{name}[1])",
                f"../{attribute}",
                f"(contains(., {text}) or {attribute})",
            ]
        )

    def maybe(self, text: str, chance: float) -> str:
        return text if self.random.random() < chance else ""
