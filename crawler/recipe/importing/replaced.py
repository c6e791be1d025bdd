"""Recipes of the replaced system: a list page that leads to products, whose fields are read by selectors.

One file holds one recipe, or several below `recipes` with `globalSettings` for all; its loader used the first of
several, this one takes all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from crawler.recipe.importing.draft import Draft
from crawler.recipe.importing.foreign_css import css_problem
from crawler.recipe.importing.foreign_nodes import Part, maps_of, recipe_name, version_of
from crawler.recipe.importing.replaced_behavior import behavior, fast_mode, ignored_keys
from crawler.recipe.importing.replaced_contract import contract
from crawler.recipe.importing.replaced_fields import ProductFields, Selector
from crawler.recipe.yaml_nodes import MapNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.importing.findings import Findings

#: Pages of a list at most, where the recipe said nothing.
_SKU_OF_ADDRESS: Final = {"response": "url", "process": [{"regex": "([^/?#]+)/?(?:[?#]|$)"}]}
_MAX_PAGES: Final = 100
_ITEM: Final = "product"
_TOP: Final = frozenset(
    {
        "name", "description", "version", "siteUrl", "selectors", "fallbacks", "transforms", "behavior", "validation",
        "woocommerceValidation", "recipes", "globalSettings",
    }
)  # fmt: skip
#: Keys under which `pagination` outside `selectors`, which nobody read, names the next page.
_NEXT_KEYS: Final = ("nextPage", "nextPageSelector", "next", "selector")
#: Next links that the engine tried after the recipe's own.
_NEXT_ALWAYS: Final = ("a[rel='next']", "link[rel='next']")


def is_replaced(root: MapNode) -> bool:
    """Whether a file is of this system: it has a recipe with `selectors` and `siteUrl`, or a list of such."""
    one = next((node for _, node in maps_of(root.get("recipes"), ())), root)
    return isinstance(one.get("selectors"), MapNode) and "siteUrl" in one


def import_replaced(root: MapNode, *, stem: str, found: Findings) -> Iterator[Draft]:
    """The recipes of a file; `stem` is its name without the ending."""
    shared = root.get("globalSettings")
    settings = shared if isinstance(shared, MapNode) else None
    if settings is not None:
        _report_settings(settings, found)
    if "recipes" not in root:
        yield _recipe(root, (), settings, stem=stem, found=found)
        return
    for entry in root.entries:
        if entry.key not in ("recipes", "globalSettings"):
            found.add("ignored", entry.mark, (entry.key,), "beside `recipes` only `globalSettings` was read")
    for number, (path, node) in enumerate(maps_of(root.get("recipes"), ("recipes",))):
        if number:
            found.add(
                "ignored", node.mark, path, "of several recipes in a file only the first was used", "it is imported"
            )
        yield _recipe(node, path, settings, stem=f"{stem}-{number + 1}", found=found)


def _report_settings(settings: MapNode, found: Findings) -> None:
    """Report what of `globalSettings` has no equal here."""
    for entry in settings.entries:
        where = ("globalSettings", entry.key)
        if entry.key == "userAgents":
            message = "a crawler says who it is, with one name: the deployment sets it (USER_AGENT)"
            found.add("dropped", entry.mark, where, message)
        elif entry.key not in ("defaultRateLimit", "defaultMaxConcurrent"):
            found.add("ignored", entry.mark, where, f"that system has no setting `{entry.key}`")


def _recipe(
    node: MapNode, path: tuple[str | int, ...], settings: MapNode | None, *, stem: str, found: Findings
) -> Draft:
    draft = Draft(values={})
    draft.origins[()] = node.mark
    part = Part(node=node, path=path, found=found, draft=draft)
    shared = None if settings is None else Part(node=settings, path=("globalSettings",), found=found, draft=draft)
    fields = ProductFields(recipe=part, fast=fast_mode(part), page=_ITEM, rules={}, contract={}, sources={})
    fields.read()
    listing = _listing(part, fields)
    head = _head(part, stem)
    draft.values |= head
    draft.values |= behavior(part, shared)
    extras = ignored_keys(part, _TOP)
    if extras.labels:
        draft.values["labels"] = extras.labels
    if extras.headers:
        draft.values.setdefault("fetch", {})["headers"] = extras.headers
    draft.values["start"] = [_start(part, extras.urls, listing=listing is not None)]
    product: dict[str, Any] = {"sources": fields.sources} if fields.sources else {}
    product |= {"item": _ITEM, "fields": fields.rules}
    draft.values["pages"] = ({"listing": listing} if listing else {}) | {_ITEM: product}
    contract(part, fields.contract)
    draft.values["items"] = {_ITEM: {"version": 1, "key": ["url"], "fields": fields.contract}}
    draft.values["exports"] = [{"name": head["name"], "item": _ITEM, "format": "csv"}, *_shop_files(draft, fields)]
    return draft


def _shop_files(draft: Draft, fields: ProductFields) -> list[dict[str, Any]]:
    """The files for WooCommerce that the other system wrote, of a recipe that finds what they need."""
    if not {"sku", "name"} <= fields.contract.keys():
        return []
    sku = fields.contract["sku"]
    if not {"required", "pattern", "min_length", "max_length"} & sku.keys():
        rule = fields.rules["sku"]
        fields.rules["sku"] = [*(rule if isinstance(rule, list) else [rule]), _SKU_OF_ADDRESS]
    sku["required"] = fields.contract["name"]["required"] = True
    kinds = ["parent", "variation"] if "variants" in fields.contract else ["parent"]
    remark = (
        "Files for WooCommerce. Their lines need a name and an SKU; the end of the address is one where no other is."
    )
    draft.remark(("exports", 1), remark)
    name = draft.values["name"]
    return [
        {"name": f"{name}-{kind}", "item": _ITEM, "format": "csv", "profile": f"woocommerce-import-suite/{kind}@1"}
        for kind in kinds
    ]


# --- head ------------------------------------------------------------------------------------------------------------


def _head(part: Part, stem: str) -> dict[str, Any]:
    """Everything before `start` that the recipe says of itself."""
    title = part.text("name") or stem
    name = recipe_name(title, otherwise=stem)
    version = version_of(part.text("version"))
    entry = part.entry("version")
    if version is None:
        message = "a version is three numbers; it begins at 1.0.0"
        part.found.add("changed", entry.mark if entry else part.node.mark, (*part.path, "version"), message)
    values: dict[str, Any] = {"schema_version": 1, "name": name, "version": version or "1.0.0"}
    description = part.text("description")
    said = "" if title.lower().replace(" ", "-") == name else title
    if said or description:
        values["description"] = ": ".join(text for text in (said, description) if text)
    values["inputs"] = {"site": {"type": "string", "format": "uri", **_site(part)}}
    return values


def _site(part: Part) -> dict[str, Any]:
    """What of the input `site` is known: an address by default, or that one must be given."""
    entry = part.entry("siteUrl")
    url = (part.text("siteUrl") or "").strip()
    if entry is not None:
        part.draft.origins["inputs", "site"] = entry.mark
    split = urlsplit(url)
    if split.scheme in ("http", "https") and split.netloc and "*" not in split.netloc:
        default = url if split.path.strip("/") else url.rstrip("/")
        return {"default": default, "description": "Where the crawl begins: a list of products, or the shop"}
    mark = entry.mark if entry else part.node.mark
    where = (*part.path, "siteUrl")
    if "." in url and not set(url) & set("*: "):
        return {"default": f"https://{url.strip('/')}"}
    message = f"`{url}` fits many sites; a recipe is for one" if url else "the recipe names no site"
    part.found.add("decide", mark, where, message, "say which with --input site=https://..., or give `site` a default")
    return {"description": "Address of a list of products, or of the shop"}


def _start(part: Part, urls: list[str], *, listing: bool) -> dict[str, Any]:
    """The first requests: the site, and the categories that it names."""
    page, site = "listing" if listing else _ITEM, "{{ inputs.site }}"
    if not urls:
        return {"urls": site, "page": page}
    split = urlsplit((part.text("siteUrl") or "").strip())
    base = f"{split.scheme}://{split.netloc}" if split.netloc and split.path.strip("/") else site
    whole = [url if "://" in url else f"{base}/{url.lstrip('/')}" for url in urls]
    return {"urls": [site, *(quote(url, safe="/:?=&%#{} ._-~+,;@!$'()*") for url in whole)], "page": page}


# --- lists -----------------------------------------------------------------------------------------------------------


def _listing(part: Part, fields: ProductFields) -> dict[str, Any] | None:
    """The page type of lists; None if the recipe names no links to products."""
    links = fields.selectors("productLinks")
    if not links:
        entry = part.entry("selectors")
        mark = entry.mark if entry else part.node.mark
        message = "without `productLinks` there is no way from a list to its products"
        hint = "the start page is taken for a product; write a page type with `follow`"
        part.found.add("decide", mark, (*part.path, "selectors", "productLinks"), message, hint)
        if "category" in fields.rules:
            fields.rules["category"] = _without_carried(fields.rules["category"])
        return None
    follow: dict[str, Any] = {"links": _links(links), "page": _ITEM}
    part.draft.origins["pages", "listing", "follow"] = links[0].at.mark
    if "category" in fields.rules:
        follow["carry"] = {"category": "h1"}
    page: dict[str, Any] = {"follow": [follow]}
    following = _next_page(part)
    if following is not None:
        page["paginate"] = following
    return page


def _links(found: list[Selector]) -> Any:
    rules = [one.text for one in found]
    return rules[0] if len(rules) == 1 else rules


def _without_carried(rule: Any) -> Any:
    if isinstance(rule, list):
        kept = [one for one in rule if "carried" not in one]
        return kept[0] if len(kept) == 1 else kept
    return {**rule, "any": [one for one in rule["any"] if "carried" not in one]} if "any" in rule else rule


def _next_page(part: Part) -> dict[str, Any] | None:
    selectors = part.below("selectors")
    own = None if selectors is None else selectors.below("pagination")
    outside = part.below("pagination")
    rules = [*_next_rules(own, ("nextPage",)), *_next_rules(outside, _NEXT_KEYS)]
    if own is None and outside is None:
        return None
    for entry in () if own is None else own.node.entries:
        if entry.key not in ("nextPage", "maxPages"):
            message = f"that system has no `{entry.key}` here"
            part.found.add("ignored", entry.mark, (*part.path, "selectors", "pagination", entry.key), message)
    limits = [block.number("maxPages") for block in (own, outside) if block is not None]
    pages = next((limit for limit in limits if limit), _MAX_PAGES)
    if not rules:
        return None
    rules = list(dict.fromkeys([*rules, *_NEXT_ALWAYS]))
    return {"next": rules, "max_pages": pages}


def _next_rules(block: Part | None, keys: tuple[str, ...]) -> Iterator[str]:
    if block is None:
        return
    for path, scalar in (one for key in keys for one in block.scalars(key)):
        problem = css_problem(scalar.raw)
        if problem is None:
            yield scalar.raw.strip()
        else:
            message, hint = problem
            block.found.add("decide", scalar.mark, path, f"the selector is none here: {message}", hint)
