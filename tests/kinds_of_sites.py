"""One page of each kind of site that a built-in parent reads, as its software writes it."""

from __future__ import annotations

import json

SHOPIFY = {
    "products": [
        {
            "id": 1,
            "title": "חולצה",
            "handle": "shirt",
            "body_html": "<p>Soft.</p>",
            "vendor": "Acme",
            "product_type": "Shirts",
            "tags": ["new", "cotton"],
            "variants": [
                {
                    "title": "שחור / S", "option1": "שחור", "option2": "S", "option3": None, "sku": "SH-B-S",
                    "requires_shipping": True, "featured_image": {"src": "https://cdn.example/b.jpg"},
                    "available": True, "price": "42.00", "compare_at_price": "45.00",
                },
                {
                    "title": "לבן / L", "option1": "לבן", "option2": "L", "option3": None, "sku": "",
                    "requires_shipping": True, "featured_image": None,
                    "available": False, "price": "50.00", "compare_at_price": None,
                },
            ],
            "images": [{"src": "https://cdn.example/1.jpg"}],
            "options": [
                {"name": "צבע", "position": 1, "values": ["שחור", "לבן"]},
                {"name": "Size", "position": 2, "values": ["S", "L"]},
            ],
        },
        {
            "id": 2,
            "title": "Mug",
            "handle": "mug",
            "body_html": "",
            "vendor": "Acme",
            "product_type": "",
            "tags": [],
            "variants": [
                {
                    "title": "Default Title", "option1": "Default Title", "option2": None, "option3": None,
                    "sku": "MUG", "requires_shipping": True, "featured_image": None,
                    "available": False, "price": "9.90", "compare_at_price": None,
                }
            ],
            "images": [],
            "options": [{"name": "Title", "position": 1, "values": ["Default Title"]}],
        },
    ]
}  # fmt: skip

SHOPIFY_PAGE = """<!doctype html><title>Shirt</title><main><script type="application/json" data-product-json>{}</script>
</main>""".format(
    json.dumps(
        {
            "title": "Shirt", "handle": "shirt", "description": "<p>Soft.</p>", "vendor": "Acme", "type": "Shirts",
            "tags": [], "price": 4200, "price_min": 4200, "compare_at_price": 4500, "compare_at_price_min": 4500,
            "available": True, "options": ["Colour"], "images": ["//cdn.example/1.jpg"],
            "variants": [
                {
                    "title": "Blue", "option1": "Blue", "options": ["Blue"], "sku": "SH-B", "available": True,
                    "price": 4200, "compare_at_price": 4500, "barcode": "729", "featured_image": None,
                },
                {
                    "title": "Red", "option1": "Red", "options": ["Red"], "sku": "SH-R", "available": False,
                    "price": 5000, "compare_at_price": 0, "barcode": "", "featured_image": None,
                },
            ],
        }
    )
)  # fmt: skip

OPENCART = """<!doctype html><title>Cinema display</title>
<ul class="breadcrumb"><li><a href="/">Home</a></li><li><a href="?path=1">Desktops</a></li>
<li><a href="?path=2">Monitors</a></li><li><a href="?product_id=8">Cinema display</a></li></ul>
<div id="content"><h1>Cinema display</h1>
<ul class="thumbnails"><li><a class="thumbnail" href="/image/1.jpg"><img></a></li>
<li><a class="thumbnail" href="/image/2.jpg"><img></a></li></ul>
<ul class="list-unstyled"><li>Brand: <a href="/?route=product/manufacturer/info&amp;id=8">Apple</a></li>
<li>Product Code: Product 8</li><li>Availability: In Stock</li></ul>
<ul class="list-unstyled"><li><span style="text-decoration: line-through;">$122.00</span></li>
<li><h2>$110.00</h2></li><li>Ex Tax: $90.00</li></ul>
<div id="product"><h3>Available Options</h3>
<div class="form-group required"><label class="control-label" for="input-option1">Colour</label>
<select name="option[1]"><option value=""> --- Please Select --- </option><option value="4">Red</option>
<option value="3">Blue (+$3.60)</option></select></div>
<div class="form-group required"><label class="control-label">Size</label><div><div class="radio"><label>
<input type="radio" name="option[2]" value="5"> Small (+$12.00)</label></div><div class="radio"><label>
<input type="radio" name="option[2]" value="6"> Large</label></div></div></div>
<div class="form-group"><label class="control-label" for="input-quantity">Qty</label>
<input type="text" name="quantity" value="1"><input type="hidden" name="product_id" value="42"></div></div>
<div id="tab-description"><p>A display.</p></div>
<div id="tab-specification"><table><thead><tr><td colspan="2"><strong>Processor</strong></td></tr></thead>
<tbody><tr><td>Clockspeed</td><td>100mhz</td></tr></tbody></table></div></div>"""

STRUCTURED = """<!doctype html><title>Oak chair</title><div id="x">Loading</div>
<script type="application/ld+json">{}</script>""".format(
    json.dumps(
        {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": "Oak chair",
            "sku": "C-1",
            "brand": {"@type": "Brand", "name": "Åsgård"},
            "image": ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"],
            "offers": {
                "@type": "Offer",
                "price": "89.50",
                "priceCurrency": "EUR",
                "availability": "https://schema.org/InStock",
            },
        }
    )
)

MARKED_UP = """<!doctype html><title>Oak chair</title><div id="x">Loading</div>
<div itemscope itemtype="https://schema.org/Product"><meta itemprop="sku" content="C-1">
<b itemprop="name">Oak chair</b>
<i itemprop="brand" itemscope itemtype="https://schema.org/Brand"><b itemprop="name">Åsgård</b></i>
<img itemprop="image" src="https://cdn.example/1.jpg"><img itemprop="image" src="https://cdn.example/2.jpg">
<p itemprop="offers" itemscope itemtype="https://schema.org/Offer"><b itemprop="price" content="89.50">€ 89,50</b>
<meta itemprop="priceCurrency" content="EUR"><link itemprop="availability" href="https://schema.org/InStock"></p></div>"""

#: What a recipe that extends `sitemap-only` says itself.
LISTED = """
pages: {page: {item: product, fields: {sku: .sku, name: h1}}}
items: {product: {version: 1, key: [sku], fields: {sku: {type: string}, name: {type: string, required: true}}}}
"""

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title>
<link>https://news.example/</link>
<item><title>First</title><link>https://news.example/1</link><guid isPermaLink="false">n-1</guid>
<pubDate>Tue, 05 Mar 2024 10:00:00 +0000</pubDate><dc:creator>Dana</dc:creator>
<category>oak</category><category>ash</category><description>Short.</description>
<enclosure url="https://news.example/1.mp3" type="audio/mpeg" length="1"/></item>
<item><title>Second</title><link>https://news.example/2</link></item>
</channel></rss>"""

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>feed</id><author><name>Editors</name></author>
<entry><title>First</title><link rel="alternate" href="https://news.example/1"/>
<link rel="enclosure" href="https://news.example/1.mp3"/><id>n-1</id>
<published>2024-03-05T10:00:00Z</published><updated>2024-03-06T10:00:00Z</updated><author><name>Dana</name></author>
<category term="oak"/><category term="ash"/><summary>Short.</summary></entry>
<entry><title>Second</title><link href="https://news.example/2"/><id>n-2</id></entry>
</feed>"""
