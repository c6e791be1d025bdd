"""The shop's style sheet and its drawings: what makes it decent to look at in a browser."""

from __future__ import annotations

import zlib
from typing import Final

STYLE_SHEET: Final = """\
:root { --ink: #22303c; --soft: #667788; --line: #dde3e8; --accent: #0b6e4f; --paper: #fff; --back: #f5f7f8; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
header.site-header, main, footer.site-footer { max-width: 1100px; margin: 0 auto; padding: 1rem; }
header.site-header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; }
.logo { font-size: 1.4rem; font-weight: 700; }
.categories ul, .cards, .thumbs, .pager ul, .breadcrumbs ol { list-style: none; margin: 0; padding: 0; }
.categories ul { display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
.breadcrumbs ol { display: flex; gap: .4rem; color: var(--soft); font-size: .9rem; }
.breadcrumbs li + li::before { content: "/"; margin-inline-end: .4rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 1rem; }
.product-card { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: .8rem; }
.product-card img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px; background: var(--back); }
.product-card h2 { font-size: 1rem; margin: .5rem 0; }
.price ins { text-decoration: none; color: #b3261e; font-weight: 700; }
.price del { color: var(--soft); }
.pager ul { display: flex; gap: .6rem; justify-content: center; margin-top: 1.5rem; }
article.product { display: grid; grid-template-columns: 1fr 1fr; gap: 2rem; background: var(--paper); padding: 1.5rem;
  border: 1px solid var(--line); border-radius: 8px; }
article.product > section { grid-column: 1 / -1; }
.gallery img { width: 100%; border-radius: 6px; background: var(--back); }
.thumbs { display: flex; gap: .5rem; }
.thumbs img { width: 72px; }
.summary .price { font-size: 1.6rem; margin: .5rem 0; }
.availability.in-stock { color: var(--accent); }
.availability.out-of-stock { color: #b3261e; }
.availability.on-backorder, .availability.pre-order { color: #9a6700; }
.stars { color: #e0a100; letter-spacing: .1em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: .45rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.options dl, td.options dd { margin: 0; }
td.options div { display: inline-flex; gap: .3rem; margin-inline-end: .8rem; }
td.options dt { color: var(--soft); }
.review { border-top: 1px solid var(--line); padding: .6rem 0; }
button { background: var(--accent); color: #fff; border: 0; border-radius: 6px; padding: .6rem 1.2rem; font: inherit; }
footer.site-footer { color: var(--soft); font-size: .9rem; border-top: 1px solid var(--line); margin-top: 2rem; }
@media (max-width: 700px) { article.product { grid-template-columns: 1fr; } }
"""

#: A transparent GIF of one pixel: what lazily loaded images hold until a script swaps in `data-src`.
PLACEHOLDER: Final = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def drawing(path: str) -> str:
    """An SVG in a colour of its own for each path."""
    hue = zlib.crc32(path.encode()) % 360
    label = path.rsplit("/", 2)[-2]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        f'<rect width="400" height="400" fill="hsl({hue} 45% 82%)"/>'
        f'<circle cx="{120 + hue % 160}" cy="180" r="90" fill="hsl({hue} 45% 55%)"/>'
        f'<path d="M0 400 L140 {230 + hue % 60} L400 400 Z" fill="hsl({(hue + 40) % 360} 40% 45%)"/>'
        f'<text x="200" y="385" text-anchor="middle" font-family="sans-serif" fill="#fff">{label}</text></svg>'
    )
