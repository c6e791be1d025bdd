"""Five recipes with pages for them, each page written piece by piece, so that it is known where every value ends.

The recipes use different parts of the language: CSS; XPath; rows that mix both; data for machines; tables, options and
a follow-up request. The pages differ by a seed. `expected` is what was written, not what an engine has read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

#: Words of several alphabets; some take two, three and four bytes a character.
WORDS = (
    *("oak", "chair", "table", "lamp", "bench", "sofa", "desk", "shelf", "rack", "stool"),
    *("כיסא", "שולחן", "Möbel", "naïve", "椅子", "стул", "🪑", "Ærø"),
)
ASCII_WORDS = tuple(word for word in WORDS if word.isascii())


@dataclass
class Written:
    """A page.

    Attributes:
        name: of its recipe.
        expected: values by path: `title`, `rows[3]`, `lines[0]`.
        ends: how many bytes of the page are enough for a value, by the same paths.
        blocks: first and last byte of pieces that are data for machines, by what their values' paths begin with.
    """

    name: str
    body: bytes = b""
    expected: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, html: str, /, **values: Any) -> None:
        """One more piece, with which these values are complete."""
        self.body += html.encode()
        for name, value in values.items():
            self.whole(name, value)

    def whole(self, path: str, value: Any) -> None:
        """A value is complete with what has been written so far."""
        self.expected[path] = value
        self.ends[path] = len(self.body)

    def block(self, name: str, html: str, /, **values: Any) -> None:
        """A piece of data for machines."""
        start = len(self.body)
        self.add(html, **values)
        self.blocks[name] = (start, len(self.body))


def words(rng: random.Random, least: int = 1, most: int = 4) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most)))


def price(rng: random.Random) -> Decimal:
    return Decimal(rng.randint(100, 999_999)) / 100


def _filler(rng: random.Random) -> str:
    """What stands between values on real pages, and holds none."""
    return rng.choice(
        [
            f"<p>{words(rng, 3, 12)}</p>\n",
            f"<!-- {words(rng)} <b>not here</b> -->\n",
            f'<script>var x = "{words(rng)}"; if (1 < 2 && x) {{ f("<\\/p>"); }}</script>\n',
            "<style>p > b { color: red }</style>\n",
            f'<div class="ad" title="{words(rng)} > &quot;"><img src="/a" alt="{words(rng)}"><br>{words(rng)}</div>\n',
            f"<ul><li>{words(rng)}<li>{words(rng)}</ul>\n",
            f"<b>{words(rng)}</b> &amp; <i>{words(rng)}</i> &nbsp;&copy;\n",
            f"<form><select><option>{words(rng)}<option selected>x</select><textarea><b></textarea></form>\n",
            f"<svg viewBox='0 0 1 1'><path d='M0 0'/><text>{words(rng)}</text></svg>\n",
        ]
    )


def _head(rng: random.Random, page: Written, title: str) -> None:
    page.add(f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n')
    page.add(rng.choice(["", '<link rel="stylesheet" href="/x.css">\n']))


def _foot(rng: random.Random, page: Written) -> None:
    page.add("".join(_filler(rng) for _ in range(rng.randint(1, 6))) + "</body>\n</html>\n")


HEAD = """\
schema_version: 1
name: {name}
version: "1.0.0"
start: [{{urls: "https://shop.test/", page: page}}]
pages:
  page:
    parse: html
    item: thing
"""

CSS = (
    HEAD.format(name="css")
    + """\
    follow: [{links: a.more, page: page}]
    fields:
      title: h1
      price: {css: ".summary .price", remove: [del], process: [price]}
      sku: "[data-sku]::attr(data-sku)"
      tags: {css: ".tags > li:not(.hidden)", all: true, process: [strip]}
      text: {css: .description, process: [squeeze]}
      own: .own::text
      link: a.buy::attr(href)
      third: "ol.steps li:nth-child(3)"
      labelled: 'dt:contains("Weight") + dd'
      badge: ["div:has(> .badge) .badge", .none]
      html: {css: .rich, as: html}
items:
  thing:
    version: 1
    fields:
      title: {type: string}
      price: {type: decimal}
      sku: {type: string}
      tags: {type: array}
      text: {type: string}
      own: {type: string}
      link: {type: string, format: uri}
      third: {type: string}
      labelled: {type: string}
      badge: {type: string}
      html: {type: string}
"""
)


def css_page(rng: random.Random) -> Written:
    page = Written("css")
    _head(rng, page, words(rng))
    page.add('</head>\n<body class="shop">\n')
    pieces: list[Callable[[], None]] = []

    def piece(html: str, /, **values: Any) -> None:
        pieces.append(lambda: page.add(html, **values))

    title, text, own, amount = words(rng), words(rng, 3, 30), words(rng), price(rng)
    piece(f"<h1 class='t'>{title}</h1>\n", title=title)
    piece(f'<div class="summary"><p class="price">€ {amount} <del>1</del></p></div>\n', price=amount)
    piece('<p data-sku="AB-1" data-x="a>b">x</p>\n', sku="AB-1")
    tags = [words(rng) for _ in range(rng.randint(1, 6))]
    items = "".join(f"<li>{tag}</li>\n" for tag in tags)
    piece(f'<ul class="tags">{items}<li class="hidden">no</li></ul>\n', tags=tags)
    piece(f'<div class="description"><b>{text}</b></div>\n', text=text)
    piece(f'<p class="own">{own}<i>not this</i></p>\n', own=own)
    piece('<p><a class="buy" href="/buy?a=1&amp;b=2">buy</a></p>\n', link="https://shop.test/buy?a=1&b=2")
    steps = [words(rng) for _ in range(4)]
    listed = "".join(f"<li>{step}</li>" for step in steps)
    piece(f'<ol class="steps">{listed}</ol>\n', third=steps[2])
    piece("<dl><dt>Height</dt><dd>1</dd><dt>Weight:</dt><dd>12 kg</dd></dl>\n", labelled="12 kg")
    piece('<div><span class="badge">new</span></div>\n', badge="new")
    piece('<div class="rich"><p>a<br>b</p></div>\n', html='<div class="rich"><p>a<br>b</p></div>')
    _shuffled(rng, page, pieces)
    return page


def _shuffled(rng: random.Random, page: Written, pieces: list[Callable[[], None]]) -> None:
    rng.shuffle(pieces)
    for write in pieces:
        page.add("".join(_filler(rng) for _ in range(rng.randint(0, 3))))
        write()
    _foot(rng, page)


XPATH = (
    HEAD.format(name="xpath")
    + """\
    fields:
      title: {xpath: "//h1"}
      upc: {xpath: "//th[normalize-space()='UPC']/following-sibling::td[1]"}
      parts: {xpath: "//ul[@id='parts']/li", all: true}
      address: {xpath: "//a[contains(@class, 'next')]/@href"}
      labelled: {xpath: "//span[starts-with(., 'Weight')]/../b"}
      upper: {xpath: "translate(string(//p[@class='code']), 'abc', 'ABC')"}
      last: {xpath: "(//div[@id='log']/p)[last()]"}
      text: {css: div.text}
items:
  thing:
    version: 1
    fields:
      title: {type: string}
      upc: {type: string}
      parts: {type: array}
      address: {type: string}
      labelled: {type: string}
      upper: {type: string}
      last: {type: string}
      text: {type: string}
"""
)


def xpath_page(rng: random.Random) -> Written:
    page = Written("xpath")
    _head(rng, page, words(rng))
    page.add("</head>\n<body>\n")
    pieces: list[Callable[[], None]] = []

    def piece(html: str, /, **values: Any) -> None:
        pieces.append(lambda: page.add(html, **values))

    title, text = words(rng), words(rng, 2, 20)
    piece(f"<h1>{title}</h1>\n", title=title)
    piece(
        f"<table><tr><th>EAN</th><td>{words(rng)}</td></tr>\n<tr><th>UPC</th><td>a1b2</td></tr></table>\n", upc="a1b2"
    )
    parts = [words(rng) for _ in range(rng.randint(1, 9))]
    piece("<ul id=parts>" + "".join(f"<li>{part}" for part in parts) + "</ul>\n", parts=parts)
    piece('<a href="/page/2" class="link next">more</a>\n', address="/page/2")
    piece("<div><span>Weight</span><b>3 kg</b></div>\n", labelled="3 kg")
    piece('<p class="code">abc-1</p>\n', upper="ABC-1")
    piece(f'<div id="log"><p>{words(rng)}</p><p>end</p></div>\n', last="end")
    piece(f'<div class="text">{text}</div>\n', text=text)
    _shuffled(rng, page, pieces)
    return page


ROWS = (
    HEAD.format(name="rows")
    + """\
    each: article.card
    follow: [{each: article.card, links: h2 a, carry: {price: .price}, page: page}]
    fields:
      name: h2 a
      link: h2 a::attr(href)
      price: {xpath: ".//p[@class='price']", process: [price]}
      stock: {xpath: "./@data-stock"}
      colours: {css: "> ul.colours > li", all: true}
      kinds:
        each: .kind
        drop_if: .gone
        fields:
          name: b
          code: {xpath: "./i"}
items:
  thing:
    version: 1
    fields:
      name: {type: string}
      link: {type: string}
      price: {type: decimal}
      stock: {type: integer}
      colours: {type: array}
      kinds: {type: array}
"""
)


def rows_page(rng: random.Random) -> Written:
    page = Written("rows")
    _head(rng, page, words(rng))
    page.add("</head>\n<body>\n<main>\n")
    for number in range(rng.randint(1, 20)):
        page.add("".join(_filler(rng) for _ in range(rng.randint(0, 2))))
        name, amount = words(rng), price(rng)
        colours = [rng.choice(WORDS) for _ in range(rng.randint(1, 3))]
        kinds = [{"name": rng.choice(WORDS), "code": str(code)} for code in range(rng.randint(1, 3))]
        page.add(f'<article class="card x" data-stock="{number}">\n<h2><a href="/p/{number}">{name}</a></h2>\n')
        page.add(
            f'<p class="price">{amount} €</p><ul class="colours">{"".join(f"<li>{one}</li>" for one in colours)}</ul>\n'
        )
        page.add(_filler(rng))
        for kind in kinds:
            page.add(f'<div class="kind"><b>{kind["name"]}</b><i>{kind["code"]}</i></div>\n')
        page.add('<div class="kind"><b>no</b><u class="gone">gone</u></div>\n</article>\n')
        row = {
            "name": name,
            "link": f"/p/{number}",
            "price": amount,
            "stock": number,
            "colours": colours,
            "kinds": kinds,
        }
        page.whole(f"rows[{number}]", row)
    page.add("</main>\n")
    _foot(rng, page)
    return page


DATA = (
    HEAD.format(name="data")
    + """\
    sources:
      ld: {jsonld: Product}
      micro: {microdata: Person}
      state: {css: "script#state::text", parse: json}
      script: {xpath: "//script[contains(., 'productData')]", parse: json}
      options: {css: "form::attr(data-options)", parse: json}
    fields:
      meta_title: {meta: "og:title"}
      ld_name: {from: ld, jmespath: name}
      ld_price: {from: ld, jmespath: "offers[0].price"}
      ld_brand: {from: ld, jmespath: brand}
      micro_name: {from: micro, jmespath: name}
      micro_job: {from: micro, jmespath: jobTitle}
      state_sku: {from: state, jmespath: "product.sku"}
      state_list: {from: state, jmespath: "product.sizes[*].name"}
      script_id: {from: script, jmespath: id}
      options_first: {from: options, jmespath: "[0].sku"}
      title: title
items:
  thing:
    version: 1
    fields:
      meta_title: {type: string}
      ld_name: {type: string}
      ld_price: {type: string}
      ld_brand: {type: string}
      micro_name: {type: string}
      micro_job: {type: string}
      state_sku: {type: string}
      state_list: {type: array}
      script_id: {type: integer}
      options_first: {type: string}
      title: {type: string}
"""
)


def data_page(rng: random.Random) -> Written:
    page = Written("data")
    title = words(rng)
    _head(rng, page, title)
    page.whole("title", title)
    shown = words(rng)
    page.add(f'<meta property="og:title" content="{shown}">\n', meta_title=shown)
    name, brand = words(rng), words(rng)
    product = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "BreadcrumbList", "itemListElement": []},
            {"@type": "Product", "name": name, "brand": {"@type": "Brand", "name": brand}, "offers": {"price": "9.50"}},
        ],
    }
    written = json.dumps(product, ensure_ascii=rng.random() < 0.5)
    page.block(
        "ld",
        f'<script type="application/ld+json">{written}</script>\n',
        ld_name=name,
        ld_price="9.50",
        ld_brand=brand,
    )
    page.add("</head>\n<body>\n")
    pieces: list[Callable[[], None]] = []
    person = words(rng)
    micro = (
        f'<div itemscope itemtype="https://schema.org/Person"><span itemprop="name">{person}</span>'
        '<p><i itemprop="jobTitle">Joiner</i></p></div>\n'
    )
    pieces.append(lambda: page.block("micro", micro, micro_name=person, micro_job="Joiner"))
    sizes = [words(rng) for _ in range(rng.randint(1, 5))]
    state = json.dumps({"product": {"sku": "S-1", "sizes": [{"name": size} for size in sizes]}}, ensure_ascii=False)
    html = f'<script id="state" type="application/json">{state}</script>\n'
    pieces.append(lambda: page.block("state", html, state_sku="S-1", state_list=sizes))
    script = f"<script>var a = 1;\nvar productData = {{id: 77, name: '{words(rng)}', list: [1, 2,], }};</script>\n"
    pieces.append(lambda: page.block("script", script, script_id=77))
    form = f'<form data-options=\'[{{"sku": "O-1", "name": "{words(rng)}"}}]\'><input name=q></form>\n'
    pieces.append(lambda: page.block("options", form, options_first="O-1"))
    _shuffled(rng, page, pieces)
    return page


TABLES = (
    HEAD.format(name="tables")
    + """\
    fields:
      title: h1
      lines:
        each: "#stock tr.row"
        fields:
          group: {preceding: {css: tr.group, value: td}}
          size: {table: {header: Size}}
          price: {table: {header: Price}, process: [price]}
      attributes:
        each: .options tr
        fields:
          name: label
          values: {css: option, all: true}
      variants:
        each: .variant
        else: {cartesian: attributes}
        fields:
          sku: {css: .sku, default: "{{ row.attributes | slug }}"}
          attributes: .attributes
      stock:
        request: {url: "https://shop.test/stock?q={{ item.title | slug }}"}
        jmespath: stock
items:
  thing:
    version: 1
    fields:
      title: {type: string}
      lines: {type: array}
      attributes: {type: array}
      variants: {type: array}
      stock: {type: integer}
"""
)


def tables_page(rng: random.Random) -> Written:
    page = Written("tables")
    _head(rng, page, words(rng))
    title = words(rng)
    page.add("</head>\n<body>\n")
    page.add(f"<h1>{title}</h1>\n", title=title)
    page.add(
        _filler(rng) + '<table id="stock"><thead><tr><th>Name</th><th>Size</th><th>Price</th></tr></thead>\n<tbody>\n'
    )
    number = 0
    for _ in range(rng.randint(1, 4)):
        group = words(rng)
        page.add(f'<tr class="group"><td colspan="3">{group}</td></tr>\n')
        for _ in range(rng.randint(1, 4)):
            size, amount = rng.choice(["S", "M", "XL"]), price(rng)
            page.add(f'<tr class="row"><td>{words(rng)}</td><td>{size}</td><td>{amount}</td></tr>\n')
            page.whole(f"lines[{number}]", {"group": group, "size": size, "price": amount})
            number += 1
    page.add("</tbody></table>\n" + _filler(rng) + '<table class="options">\n')
    for at, name in enumerate(["Colour", "Wood"]):
        values = rng.sample(ASCII_WORDS, rng.randint(1, 3))
        page.add(f"<tr><td><label>{name}</label></td><td><select>")
        page.add("".join(f"<option>{value}</option>" for value in values) + "</select></td></tr>\n")
        page.whole(f"attributes[{at}]", {"name": name, "values": values})
    page.add("</table>\n")
    colours, woods = (page.expected[f"attributes[{at}]"]["values"] for at in (0, 1))
    combined = [{"attributes": {"Colour": colour, "Wood": wood}} for colour in colours for wood in woods]
    page.whole("variants", combined)
    _foot(rng, page)
    return page


#: Recipe and page by name.
KINDS: dict[str, tuple[str, Callable[[random.Random], Written]]] = {
    "css": (CSS, css_page),
    "xpath": (XPATH, xpath_page),
    "rows": (ROWS, rows_page),
    "data": (DATA, data_page),
    "tables": (TABLES, tables_page),
}
