"""The fields of a product in recipes of the replaced system: selectors, fallbacks and transforms become rules.

Names are those of the profiles that Crawlery exports for: what was `title` is `name`, what was `stock` is
`availability`. Amounts are read by the step `price`, whatever the transforms of the field were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.draft import one_line
from crawler.recipe.importing.foreign_css import (
    css_problem,
    last_element,
    read_text,
    selector_parts,
    with_attribute,
)
from crawler.recipe.importing.foreign_nodes import Part, scalars_of, text_of
from crawler.recipe.importing.replaced_steps import Did, read_step
from crawler.recipe.regex import compile_regex
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.yaml_nodes import Node

#: Selectors of texts, and the fields they become.
TEXT_FIELDS: Final = {
    "sku": "sku",
    "title": "name",
    "description": "description",
    "shortDescription": "short_description",
    "category": "category",
    "brand": "brand",
    "model": "model",
    "material": "material",
    "color": "color",
    "dimensions": "dimensions",
}
#: All selectors of a product; the rest of `selectors` is about lists.
SELECTORS: Final = (*TEXT_FIELDS, "price", "salePrice", "images", "stock", "attributes", "variations", "variationForm")
LIST_SELECTORS: Final = ("productLinks", "pagination")
UNUSED_SELECTORS: Final = ("embeddedJson", "apiEndpoints")
TRANSFORMED: Final = ("title", "price", "salePrice", "description", "category", "attributes")

#: Words of the stock's text, in this order: "out of stock" also has "stock" in it.
_STOCK: Final = {
    "out of stock": "OutOfStock",
    "out-of-stock": "OutOfStock",
    "sold out": "OutOfStock",
    "unavailable": "OutOfStock",
    "אזל": "OutOfStock",
    "לא במלאי": "OutOfStock",
    "in stock": "InStock",
    "in-stock": "InStock",
    "available": "InStock",
    "במלאי": "InStock",
}
_PLACEHOLDER: Final = "^(בחר|בחרי|בחירת|Choose|Select|--)"
_PLACEHOLDERS: Final = compile_regex(_PLACEHOLDER)
_FORM: Final = "form.variations_form"
_FAST_LENGTH: Final = 500
_FAST_IMAGES: Final = 3
_PRICES: Final = ("price", "salePrice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """One selector, and where it stands."""

    text: str
    path: Path
    at: Scalar

    @property
    def field(self) -> Path:
        """The path of all selectors of the field."""
        return self.path[:-1] if isinstance(self.path[-1], int) else self.path


@dataclass(kw_only=True, slots=True)
class ProductFields:
    """Reads the fields of one recipe; `rules` and `contract` are what became of them."""

    recipe: Part
    fast: bool
    page: str
    rules: dict[str, Any]
    contract: dict[str, dict[str, Any]]
    sources: dict[str, Any]

    def read(self) -> None:
        """All fields, in the order of the contract."""
        self._add("url", {"response": "url"}, {"type": "string", "format": "uri", "required": True}, None)
        self._text("sku")
        self._text("title")
        self._text("description")
        self._text("shortDescription")
        self._prices()
        self._stock()
        for key in ("category", "brand", "model", "material", "color", "dimensions"):
            self._text(key)
        self._images()
        self._attributes()
        self._variations()
        self._unused()

    # --- selectors ---

    def selectors(self, key: str) -> list[Selector]:
        """The selectors of a field, then its fallbacks; without those that cannot be had here, which are reported."""
        found: dict[str, Selector] = {}
        for block in ("selectors", "fallbacks"):
            part = self.recipe.below(block)
            for path, scalar in [] if part is None else part.scalars(key):
                text = scalar.raw.strip()
                problem = css_problem(text)
                if problem is None:
                    found.setdefault(text, Selector(text=text, path=path, at=scalar))
                    continue
                message, hint = problem
                self.recipe.found.add("decide", scalar.mark, path, f"the selector is none here: {message}", hint)
        return list(found.values())

    def _add(self, name: str, rule: Any, spec: dict[str, Any], at: Node | None) -> None:
        self.rules[name] = rule
        self.contract[name] = spec
        if at is not None:
            self.recipe.draft.origins["pages", self.page, "fields", name] = at.mark
            self.recipe.draft.origins["items", "product", "fields", name] = at.mark

    def _text(self, key: str) -> None:
        found = self.selectors(key)
        steps = self._steps(key) if key in TRANSFORMED else []
        if not found:
            return
        if self.fast and key == "description":
            steps.append({"truncate": {"length": _FAST_LENGTH, "words": False}})
        rules: list[Any] = [read_text(one.text) for one in found]
        if key == "category":
            rules.append("{{ carried.category }}")
        rule: Any = rules[0] if len(rules) == 1 else rules
        if steps:
            rule = {"css": rule, "process": steps} if len(rules) == 1 else {"any": rules, "process": steps}
        self._add(TEXT_FIELDS[key], rule, {"type": "string"}, found[0].at)

    def _prices(self) -> None:
        regular, sale = self.selectors("price"), self.selectors("salePrice")
        for key in _PRICES:
            self._price_steps(key)
        spec = {"type": "decimal", "minimum": 0}

        def rules(found: list[Selector]) -> list[Any]:
            return [{"css": read_text(one.text), "process": ["price"]} for one in found]

        if regular or sale:
            self._add("price", _one(rules([*sale, *regular])), {**spec}, (sale or regular)[0].at)
        if sale and regular:
            self._add("regular_price", _one(rules(regular)), {**spec}, regular[0].at)
        if sale:
            message = "there `price` was the regular price and this one the sale's; here `price` is what is paid"
            hint = "look at a product on sale with `recipe try`: `price` below `regular_price`?"
            self.recipe.found.add("decide", sale[0].at.mark, sale[0].field, message, hint)

    def _stock(self) -> None:
        found = self.selectors("stock")
        if not found:
            return
        step = {"map": {"by": "contains", "values": dict(_STOCK), "else": None}}
        rule = {"any": [read_text(one.text) for one in found], "process": ["lower", step], "default": "InStock"}
        spec = {"type": "string", "enum": ["InStock", "OutOfStock"]}
        self._add("availability", rule, spec, found[0].at)
        message = "words of the text decide, as there; where none is known it is InStock, as there"
        self.recipe.found.add("changed", found[0].at.mark, found[0].field, message, "add the words of this shop")

    def _images(self) -> None:
        found = self.selectors("images")
        if not found:
            return
        steps: list[Any] = ["unique", {"limit": _FAST_IMAGES}] if self.fast else ["unique"]
        rules = [rule for one in found for rule in _image_rules(one.text, steps)]
        spec = {"type": "array", "items": {"type": "string", "format": "uri"}}
        self._add("images", _one(rules), spec, found[0].at)

    # --- attributes and variations ---

    def _attributes(self) -> None:
        found = self.selectors("attributes")
        steps = self._attribute_steps()
        if not found or self._skipped_when_fast("attributes", found):
            return
        selects, others = _option_lists(found)
        for one in others:
            message = "options that are buttons or boxes have no list of values to read"
            self.recipe.found.add(
                "decide", one.at.mark, one.path, message, "write `each` and `fields` for them by hand"
            )
        if not selects:
            return
        rules = [_attribute_rows(selector, steps) for selector in _joined(selects)]
        properties = {"name": {"type": "string"}, "values": {"type": "array"}}
        spec = {"type": "array", "items": {"type": "object", "properties": properties}}
        self._add("attributes", _one(rules), spec, found[0].at)
        message = "attributes are the lists of options (`select`) that these selectors find or hold"
        self.recipe.found.add("changed", found[0].at.mark, found[0].field, message)

    def _variations(self) -> None:
        forms, found = self.selectors("variationForm"), self.selectors("variations")
        if not (forms or found) or self._skipped_when_fast("variations", [*found, *forms]):
            return
        wanted = [one.text for one in forms if "," not in one.text] or [_FORM]
        if _FORM not in wanted:
            wanted.insert(0, _FORM)
        rules: list[Any] = [with_attribute(one, "data-product_variations") for one in wanted]
        self.sources["forms"] = (
            {"css": rules[0], "parse": "json"} if len(rules) == 1 else {"any": rules, "parse": "json"}
        )
        rows: dict[str, Any] = {"each": {"from": "forms", "jmespath": "[*]"}}
        if "attributes" in self.rules and isinstance(self.rules["attributes"], dict):
            rows["else"] = {"cartesian": "attributes"}
        rows["fields"] = {
            "sku": "sku",
            "price": {"jmespath": "display_price || price", "process": ["price"]},
            "regular_price": {"jmespath": "display_regular_price", "process": ["price"]},
            "availability": {
                "jmespath": "is_in_stock",
                "process": [{"map": {"true": "InStock", "false": "OutOfStock"}}],
            },
            "image": "image.full_src || image.src",
            "attributes": "attributes",
        }
        first = (found or forms)[0]
        self._add("variants", rows, {"type": "array"}, first.at)
        message = "variations come from the form's JSON, else from every combination of `attributes`"
        hint = "the regular price of a variation is `display_regular_price` here; there it was the current one"
        self.recipe.found.add("changed", first.at.mark, first.field, message, hint)

    def _skipped_when_fast(self, key: str, found: list[Selector]) -> bool:
        if self.fast:
            message = f"`fastMode` read no {key}"
            hint = "to have them, delete `fastMode` and import again"
            self.recipe.found.add("ignored", found[0].at.mark, found[0].field, message, hint)
        return self.fast

    def _unused(self) -> None:
        part = self.recipe.below("selectors")
        known = (*SELECTORS, *LIST_SELECTORS)
        for entry in () if part is None else part.node.entries:
            path = (*self.recipe.path, "selectors", entry.key)
            if entry.key in UNUSED_SELECTORS:
                message = "it was declared, and nothing read it"
                hint = "data in a script is read through `sources`: see docs/recipes.md"
                self.recipe.found.add("ignored", entry.mark, path, message, hint)
            elif entry.key not in known:
                self.recipe.found.add("ignored", entry.mark, path, f"that system has no field `{entry.key}`")
        fallbacks = self.recipe.below("fallbacks")
        for entry in () if fallbacks is None else fallbacks.node.entries:
            if entry.key not in SELECTORS:
                path = (*self.recipe.path, "fallbacks", entry.key)
                self.recipe.found.add("ignored", entry.mark, path, f"that system has no field `{entry.key}`")
        transforms = self.recipe.below("transforms")
        for entry in () if transforms is None else transforms.node.entries:
            path = (*self.recipe.path, "transforms", entry.key)
            if entry.key not in TRANSFORMED:
                self.recipe.found.add("ignored", entry.mark, path, f"nothing applied the transforms of `{entry.key}`")
            elif part is None or entry.key not in part.node:
                message = f"there is no selector of `{entry.key}`, and so no text for its transforms"
                self.recipe.found.add("ignored", entry.mark, path, message)

    # --- transforms ---

    def _listed(self, key: str) -> list[tuple[Path, Node]]:
        part = self.recipe.below("transforms")
        node = None if part is None else part.node.get(key)
        return members(node, (*self.recipe.path, "transforms", key))

    def _steps(self, key: str) -> list[Any]:
        """The steps that do here what the transforms of a text did there."""
        return [step for path, node in self._listed(key) for step in self._step(path, node)]

    def _step(self, path: Path, node: Node) -> tuple[Any, ...]:
        did = read_step(text_of(node))
        if _swaps_placeholders(did):
            message = "it put one placeholder in the place of another; placeholders are left out, as there"
            self.recipe.found.add("dropped", node.mark, path, message)
            return ()
        if did.nothing is not None:
            self.recipe.found.add("noop", node.mark, path, did.nothing, _proposal(did))
        elif did.doubt is not None and did.meant == "strip":
            message = f"{did.doubt}; texts here have no blanks at their ends, so that nothing is to be done"
            self.recipe.found.add("dropped", node.mark, path, message)
        elif did.doubt is not None:
            self.recipe.found.add("decide", node.mark, path, f"{did.doubt}; the step is left out", _proposal(did))
        return did.steps

    def _price_steps(self, key: str) -> None:
        for path, node in self._listed(key):
            did = read_step(text_of(node))
            needless = "it is not needed: `price` reads amounts with signs and separators as they stand"
            new = did.steps[-1]["replace"]["with"] if did.steps and isinstance(did.steps[-1], dict) else ""
            if did.nothing is not None:
                self.recipe.found.add("noop", node.mark, path, did.nothing, needless)
            elif "\\1" in new:
                message = "it took a part of the text; `price` fails where a text has several amounts"
                self.recipe.found.add("decide", node.mark, path, message, "take one: {price: {which: last}}")
            else:
                message = f"{did.doubt}; {needless}" if did.doubt else needless
                self.recipe.found.add("dropped", node.mark, path, message)

    def _attribute_steps(self) -> dict[str, list[Any]]:
        """The steps of each attribute's values, by the attribute's name there; only those that do something."""
        part = self.recipe.below("transforms")
        named = None if part is None else part.below("attributes")
        steps = {}
        for entry in () if named is None else named.node.entries:
            where = (*self.recipe.path, "transforms", "attributes", entry.key)
            found = [step for path, node in members(entry.node, where) for step in self._step(path, node)]
            found = [step for step in found if step != "strip"]
            if found:
                steps[entry.key] = found
        return steps


def members(node: Node | None, path: Path) -> list[tuple[Path, Node]]:
    """The members of a list, or the one value that stands instead."""
    if isinstance(node, ListNode):
        return [((*path, index), item) for index, item in enumerate(node.items)]
    return [(path, node)] if isinstance(node, Scalar) and node.value is not None else []


def _swaps_placeholders(did: Did) -> bool:
    """Whether a step makes a text of a list's first option another one: `בחר צבע|בחרי צבע` was no alternative."""
    if len(did.steps) != 1 or not isinstance(did.steps[0], dict) or "replace" not in did.steps[0]:
        return False
    step = did.steps[0]["replace"]
    return all(_PLACEHOLDERS.search(text) for text in (step["pattern"].lstrip("^"), step["with"]))


def _proposal(did: Did) -> str | None:
    if did.meant == "strip":
        return "it is not needed: texts here have no blanks at their ends"
    return None if did.meant is None else f"to have it do what it says: {one_line(did.meant)}"


def _one(rules: list[Any]) -> Any:
    return rules[0] if len(rules) == 1 else rules


def _image_rules(selector: str, steps: list[Any]) -> list[dict[str, Any]]:
    """Where the address of an image is: beside the element, the lazy one first."""
    parts = selector_parts(selector)
    elements = {last_element(part) for part in parts}
    if any("[style" in part for part in parts):
        address = {"regex": r"url\([\"']?([^\"')]+)"}
        return [{"css": with_attribute(selector, "style"), "all": True, "process": [address, *steps]}]
    if elements <= {"meta"}:
        attributes = ["content"]
    elif elements <= {"a", "link"}:
        attributes = ["href"]
    else:
        attributes = ["data-src", "src"]
    return [{"css": with_attribute(selector, one), "all": True, "process": list(steps)} for one in attributes]


def _option_lists(found: list[Selector]) -> tuple[list[str], list[Selector]]:
    """Selectors of `select`, made from those of what they are in; and those of inputs, which are no lists."""
    selects: list[str] = []
    others: list[Selector] = []
    for one in found:
        for part in selector_parts(one.text):
            element = last_element(part)
            if element == "input":
                if one not in others:
                    others.append(one)
            elif element == "select":
                selects.append(part)
            else:
                selects.append(f"{part} select")
    return list(dict.fromkeys(selects)), others


def _joined(selectors: list[str]) -> list[str]:
    """Comma lists of at most 900 characters."""
    joined = [selectors[0]]
    for selector in selectors[1:]:
        longer = f"{joined[-1]}, {selector}"
        if len(longer) <= 900:
            joined[-1] = longer
        else:
            joined.append(selector)
    return joined


def _attribute_rows(selector: str, steps: dict[str, list[Any]]) -> dict[str, Any]:
    """Rows of name and values. Steps of one attribute only are an alternative that asks for its name."""
    name = {
        "any": [":scope::attr(name)", ":scope::attr(data-attribute)"],
        "process": [{"replace": {"pattern": "^(?:attribute_)?(?:pa_)?", "with": ""}}],
    }
    plain = {"css": "option", "all": True, "process": [{"reject": _PLACEHOLDER}]}
    alternatives: list[Any] = []
    for attribute, own in steps.items():
        asked = {
            "css": ":scope::attr(name)",
            "process": [{"regex": f"(?i)^(?:attribute_)?(?:pa_)?{_quoted(attribute)}$"}],
        }
        alternatives.append({**plain, "process": [{"reject": _PLACEHOLDER}, *own], "when": asked})
    values = [*alternatives, plain] if alternatives else plain
    return {"each": selector, "fields": {"name": name, "values": values}}


def _quoted(text: str) -> str:
    """Text as a pattern that matches only it; blanks also match the hyphens of names in forms."""
    return "".join("[-_ ]" if char in " -_" else char if char.isalnum() else f"\\{char}" for char in text.strip())


def required_fields(part: Part | None) -> list[tuple[Path, Scalar, str]]:
    """`requiredFields` with the names that the fields have here."""
    names = {**TEXT_FIELDS, "price": "price", "salePrice": "price", "images": "images", "stock": "availability"}
    names |= {"attributes": "attributes", "variations": "variants"}
    node = None if part is None else part.node.get("requiredFields")
    if part is None or isinstance(node, MapNode):
        return []
    found = scalars_of(node, (*part.path, "requiredFields"))
    return [(path, scalar, names.get(scalar.raw, scalar.raw)) for path, scalar in found]
