"""How the page about the API looks."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #556072; --page: #fff; --panel: #f5f7fa; --line: #dde2ea;
  --link: #0b57b8; --get: #0b6b3a; --post: #0b57b8; --patch: #8a5300; --key: #8a1c5b; --string: #0b6b3a;
  --number: #8a5300; --accent: #0b57b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #a3adbd; --page: #12161d; --panel: #1a2029;
  --line: #2e3745; --link: #7db4ff; --get: #6fd39b; --post: #7db4ff; --patch: #f0b35c; --key: #ff9ecb;
  --string: #86d9a8; --number: #f0b35c; --accent: #7db4ff; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
body { margin: 0; color: var(--ink); background: var(--page);
  display: grid; grid-template-columns: 19rem minmax(0, 1fr);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: .5rem 1rem; background: var(--page); }
header { grid-column: 1 / -1; position: sticky; top: 0; z-index: 2; display: flex; gap: .75rem; align-items: baseline;
  padding: .75rem 1.5rem; background: var(--page); border-bottom: 1px solid var(--line); }
header p { margin: 0; }
.brand { font-weight: 650; }
.version { color: var(--soft); font-size: .875rem; }
nav { position: sticky; top: 3.1rem; align-self: start; height: calc(100vh - 3.1rem); overflow-y: auto;
  padding: 1rem 1rem 3rem 1.5rem; border-right: 1px solid var(--line); font-size: .875rem; }
nav h2 { margin: 1.25rem 0 .35rem; font-size: .875rem; }
nav h2 a { color: var(--ink); text-decoration: none; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .2rem .4rem; border-radius: 6px;
  color: var(--soft); text-decoration: none; }
nav a:hover { background: var(--panel); color: var(--ink); }
nav .method { min-width: 3.1rem; font-size: .6875rem; }
main { padding: 2rem clamp(1.25rem, 4vw, 3.5rem) 6rem; max-width: 64rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem; }
section > h2 { font-size: 1.5rem; margin: 3.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.intro { max-width: 46rem; }
article { margin: 2.25rem 0; }
article.call { padding: 1.25rem 1.5rem 1.5rem; border: 1px solid var(--line); border-radius: 12px; }
article.call:target { border-color: var(--accent); }
article h3 { margin: 0 0 .5rem; font-size: 1.1875rem; }
article h4 { margin: 1.5rem 0 .5rem; font-size: .8125rem; letter-spacing: .04em; text-transform: uppercase;
  color: var(--soft); }
article h4 a { text-transform: none; letter-spacing: 0; font-size: .9375rem; }
code, pre, .method { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
code { font-size: .875em; overflow-wrap: anywhere; }
.line { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: baseline; margin: 0 0 .75rem; }
.line > code { font-size: .9375rem; font-weight: 600; }
.method { font-weight: 700; font-size: .8125rem; color: var(--get); }
.method.post { color: var(--post); }
.method.patch { color: var(--patch); }
.needs { color: var(--soft); font-size: .875rem; }
.scope { padding: .1rem .5rem; border: 1px solid var(--line); border-radius: 99px; color: var(--ink);
  font-size: .8125rem; }
pre { margin: 0; padding: .9rem 1rem; overflow-x: auto; background: var(--panel); border: 1px solid var(--line);
  border-radius: 8px; font-size: .8125rem; line-height: 1.5; max-height: 30rem; }
pre code { font-size: inherit; overflow-wrap: normal; }
.k { color: var(--key); } .s { color: var(--string); } .n { color: var(--number); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: .75rem; }
tbody th { font-weight: 600; width: 12.5rem; }
td:nth-child(2) { width: 17rem; }
.required, .place, .limits, .pattern { display: block; font-weight: 400; font-size: .75rem; color: var(--soft); }
.required { color: var(--patch); }
.pattern { font-size: .6875rem; }
details { margin-top: .6rem; }
summary { cursor: pointer; font-size: .875rem; color: var(--link); width: fit-content; }
.problems { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none;
  font-size: .875rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 60rem) { body { display: block; } nav { position: static; height: auto; max-height: 45vh;
  border-right: 0; border-bottom: 1px solid var(--line); } tbody th { width: auto; } td:nth-child(2) { width: auto; } }
@media print { nav, .skip { display: none; } body { display: block; } header { position: static; }
  article.call { break-inside: avoid-page; } pre { max-height: none; white-space: pre-wrap; } }
"""
