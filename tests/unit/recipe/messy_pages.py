"""Pages with the faults that real pages have, made from a number: unclosed tags, lies about charsets, old markup."""

from __future__ import annotations

import random

WORDS = ["Chair", "Samba", "café", "כיסא", "Größe", "1,290.00", "a & b", "x < y", "“quoted”", "naïve", "₪", "Size", "M"]
ENTITIES = ["&nbsp;", "&amp;", "&lt;", "&#8364;", "&eacute;", "&bogus;", "&", "&#0;", "&shy;", "&copy"]


class MessyPage:
    """Writes one page; every fault is one that real pages have."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.number = number

    def body(self) -> bytes:
        doctype = self.random.choice(["<!doctype html>", "<!DOCTYPE html>", "", ""])
        head = self.maybe("<head>") + "<title>Page &amp; more</title>" + self.maybe("<base href='/shop/'>")
        head += "<noscript><link rel=x><style>p{}</style></noscript>" + self.maybe("</head>")
        blocks = [self.random.choice(self.blocks)(self) for _ in range(self.random.randint(5, 25))]
        body = self.maybe('<body class="home" lang=en-GB>') + "".join(blocks) + self.maybe("</body></html>")
        charset, encoding = self.random.choice(
            [
                ("utf-8", "utf-8"),
                ("windows-1255", "cp1255"),
                ("iso-8859-1", "utf-8"),  # the page lies
                ("utf-8", "cp1252"),
                ("", "utf-8"),
            ]
        )
        meta = f"<meta charset={charset}>" if charset else ""
        text = f"{doctype}{self.maybe('<!-- before -->')}<html>{meta}{head}{body}{self.maybe('<!-- after -->')}"
        return text.encode(encoding, "xmlcharrefreplace")

    def maybe(self, text: str) -> str:
        return text if self.random.random() < 0.6 else ""

    def word(self) -> str:
        return self.random.choice(WORDS).replace("<", self.random.choice(["&lt;", "< "]))

    def text(self) -> str:
        pieces = [self.random.choice([self.word(), self.word(), self.random.choice(ENTITIES)]) for _ in range(4)]
        return self.random.choice([" ", "\n  ", "\t", ""]).join(pieces)

    def inline(self) -> str:
        return self.random.choice(
            [
                self.text(),
                f"<b>{self.text()}<i>{self.text()}</b>{self.text()}</i>",
                f"<b class=sku>{self.number}-A</b>",
                f"<span class='price{self.maybe(' new')}'>{self.text()}",
                f'<span class="\n price  old ">{self.text()}</span>',
                f"<a href='/p/{self.number}.html' title='t {self.number}'>{self.text()}</a>",
                f"<a href=?id={self.number}>{self.text()}<a>{self.text()}</a>",
                f"<A HREF='x.html'>{self.text()}</A>",
                "a<br>b<br/>c",
                f"<img src=/i/{self.number}.png alt='An image'>",
                f"<div class=photo><img src=/d/{self.number}.png></div>",
                f"<picture><source srcset=a><img src=b.png alt></picture>{self.maybe('<wbr>')}",
                f"<code>x<em>y</em>z</code><font color=red>{self.text()}",
                f"<!-- {self.text()} <p>no</p> -->",
                "<!--[if IE]><p>old</p><![endif]-->",
                f"</div></span>{self.text()}",
            ]
        )

    def paragraphs(self) -> str:
        return "".join(f"<p>{self.inline()}{self.maybe('</p>')}" for _ in range(self.random.randint(1, 4)))

    def heading(self) -> str:
        level = self.random.choice("123")
        return f"<h{level}>{self.inline()}{self.maybe(f'</h{level}>')}<p>{self.inline()}"

    def listing(self) -> str:
        items = "".join(
            f"<li class={self.random.choice(['a', 'b'])}>{self.inline()}{self.maybe('</li>')}" for _ in range(4)
        )
        return f"<ul>{items}{self.maybe('<ul><li>in a list</ul>')}</ul>"

    def table(self) -> str:
        rows = "".join(
            f"<tr><th>{self.word()}{self.maybe('</th>')}<td>Size {self.inline()}<td>{self.inline()}{close}"
            for close in ("</tr>", "", "</tr>")
        )
        junk = self.maybe("junk <div class=row>in a table</div>")
        inner = self.maybe("<table><tr><td>nested</table>")
        return f"<table>{self.maybe('<caption>c')}{junk}{rows}<tr><td>{inner}</table>"

    def row(self) -> str:
        inner = self.inline() + self.paragraphs()
        return f"<div class='row' id={self.random.choice(['main', 'x'])}>{inner}{self.maybe('</div>')}"

    def definitions(self) -> str:
        return f"<dl><dt>{self.word()}<dd>{self.inline()}<dt>{self.word()}</dt><dd>{self.text()}</dl>"

    def hidden(self) -> str:
        return (
            f"<noscript><img src=/n/{self.number}.gif><p>{self.text()}</noscript>"
            f"<template><div class=row><li>{self.text()}</template>"
            "<script>if (a<b) document.write('<p class=\"row\">x</p>')</script><style>ul>li{color:red}</style>"
            "<textarea>\n<p>typed</p></textarea><iframe><p>frame</p></iframe>"
        )

    def form(self) -> str:
        options = f"<option>{self.word()}<option selected value=2>{self.text()}<optgroup label=g><option>z"
        return f"<form><form><select>{options}</select><input type=hidden value=1><button><p>Go</button></form>"

    def drawing(self) -> str:
        odd = "<param><path d=M2></param>" if self.random.random() < 0.05 else ""  # no void element in SVG
        return f"<svg viewBox='0 0 1 1'><path d='M0 0'/><g>{odd}<path d='M1 1'></path></g><title>t</title></svg>"

    def old(self) -> str:
        return f"<center><font size=2><p>{self.text()}<p>{self.text()}</font></center><my-box x>{self.text()}</my-box>"

    blocks = (paragraphs, heading, listing, table, row, definitions, hidden, form, drawing, old)
